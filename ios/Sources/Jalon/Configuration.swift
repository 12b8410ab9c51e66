import Foundation

#if canImport(UIKit)
    import UIKit
#endif

extension Journey {
    /// The options of a journey, each with its default.
    ///
    /// ```swift
    /// var configuration = Journey.Configuration()
    /// configuration.consent = .granted
    /// let journey = Journey(
    ///     writeKey: "jalon_write_…", endpoint: "https://calls.example.com", configuration: configuration)
    /// ```
    public struct Configuration: Sendable {
        /// The consent where none is stored. A stored answer goes before it, and so does an erasure,
        /// after which only ``Journey/setConsent(_:)`` answers; but `.denied` always refuses.
        public var consent: Consent?

        /// Called on the main thread when the customer must be asked for consent again: everything
        /// was erased, by ``Journey/erase()`` or at the collector, and nobody has answered since. As
        /// the app starts, ``Journey/status()`` says whether consent is unknown.
        public var onConsentNeeded: (@MainActor @Sendable () -> Void)?

        /// Whether what customers type into a search is recorded, and not only how much it found.
        public var recordSearchQueries = false

        /// Whether a `UIViewController` whose view appears is recorded as a screen view. Off by
        /// default: SwiftUI's screens are not view controllers, and it changes UIKit's
        /// `viewDidAppear(_:)` for the whole app.
        public var automaticScreens = false

        #if canImport(UIKit)
            /// The screen name of a view controller, a route pattern such as `product/{id}`; `nil`
            /// for one that is not a screen. By default the class name without
            /// `ViewController`, of the app's own classes.
            public var screenName: @MainActor @Sendable (UIViewController) -> String? =
                defaultScreenName
        #endif

        /// The most bytes to use on the device, all files together: at least 1 MiB; `nil` for 5
        /// MiB.
        public var quotaBytes: Int?

        /// How long an event that cannot be uploaded is kept, in ms; `nil` for 7 days.
        public var timeToLiveMs: Int?

        /// Further root certificates to trust, each in DER: for a company's own certificate
        /// authority.
        public var extraRoots: [Data] = []

        /// An HTTP proxy, such as `http://proxy.example.com:3128`. The system's proxy is not used.
        public var proxy: String?

        /// How much is written to the system's log, under the subsystem `jalon`, never an event's
        /// content. `nil`: warnings in a debug build, errors in others.
        public var logLevel: LogLevel?

        /// The texts of "call us", in the customer's language.
        public var texts = CallTexts()

        /// The folder that the journey alone uses; `nil`, right for most apps, for one in
        /// Application Support. Never a folder shared with an extension: the system kills a
        /// suspended process that holds a lock there.
        public var folder: URL?

        /// Every option at its default.
        public init() {}
    }
}
