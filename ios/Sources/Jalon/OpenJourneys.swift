import Foundation

/// The journey that is open in this process, for the buttons and screens that were given none.
enum OpenJourneys {
    private static let journey = Protected<Journey?>(nil)

    /// The last one that the app opened.
    static var current: Journey? { journey.get() }

    static func opened(_ journey: Journey, _ configuration: Journey.Configuration) {
        Self.journey.set(journey)
        #if canImport(UIKit)
            AppLifecycle.watch(configuration)
        #endif
    }

    static func forget(_ journey: Journey) {
        Self.journey.with { current in
            if current === journey { current = nil }
        }
    }
}
