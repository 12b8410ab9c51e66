#if canImport(UIKit)
    import JalonPlatform
    import UIKit

    /// Tells whether the app is in front, starts the upload of queued events when it leaves the
    /// screen, and records the view controllers that appear.
    ///
    /// Without `UIApplication.shared`, so that all of it also compiles and works in an extension.
    enum AppLifecycle {
        private static let watching = Protected(false)

        /// The time that the system usually gives, in ms; the background task does the rest.
        private static let leavingMs: UInt64 = 20_000

        /// Starts once per process, however often a journey is opened.
        static func watch(_ configuration: Journey.Configuration) {
            let isFirst = watching.with { watching in
                defer { watching = true }
                return !watching
            }
            if isFirst {
                // Held by the centre for as long as the process lives.
                observe(UIApplication.didEnterBackgroundNotification, leave)
                observe(UIApplication.willEnterForegroundNotification) {
                    OpenJourneys.current?.setForeground(true)
                }
            }
            if configuration.automaticScreens {
                let name = configuration.screenName
                Task { @MainActor in Screens.observe(name) }
            }
        }

        private static func observe(
            _ notification: Notification.Name, _ then: @escaping @Sendable () -> Void
        ) {
            _ = NotificationCenter.default.addObserver(
                forName: notification, object: nil, queue: nil
            ) { _ in then() }
        }

        /// Keeps the process running for the upload, and no longer than the system allows: at its
        /// expiry the activity ends, and with it our claim on time.
        static func leave() {
            guard let journey = OpenJourneys.current else { return }
            journey.setForeground(false)
            journey.uploadNow()
            // The scheduler answers from another process: not on the main thread.
            DispatchQueue.global(qos: .utility).async { BackgroundUploads.scheduleIfNeeded(journey) }
            let over = DispatchSemaphore(value: 0)
            ProcessInfo.processInfo.performExpiringActivity(withReason: "jalon: upload") { expired in
                // Called a second time, on another thread, when time runs out.
                if expired {
                    over.signal()
                    return
                }
                DispatchQueue.global(qos: .utility).async {
                    _ = journey.uploadAndWait(timeoutMs: leavingMs)
                    over.signal()
                }
                over.wait()
            }
        }
    }

    /// Automatic screen views of UIKit.
    @MainActor
    enum Screens {
        private static var name: (@MainActor @Sendable (UIViewController) -> String?)?

        static func observe(_ name: @escaping @MainActor @Sendable (UIViewController) -> String?) {
            Self.name = name
            _ = jalon_observe_screens { controller in
                guard let controller else { return }
                let appeared = Unmanaged<UIViewController>.fromOpaque(controller)
                let held = appeared.takeUnretainedValue()
                // UIKit calls `viewDidAppear(_:)` there alone.
                MainActor.assumeIsolated { Screens.appeared(held) }
            }
        }

        static func appeared(_ controller: UIViewController) {
            guard let screen = name?(controller) else { return }
            OpenJourneys.current?.screen(screen)
        }
    }

    /// The class name without `ViewController`, of the app's own classes that show something.
    @MainActor
    func defaultScreenName(_ controller: UIViewController) -> String? {
        let isContainer =
            controller is UINavigationController || controller is UITabBarController
            || controller is UISplitViewController || controller is UIPageViewController
        if isContainer || Bundle(for: type(of: controller)) != .main { return nil }
        // The name of a generic class, such as SwiftUI's hosting controller, is not a screen name.
        let name = String(describing: type(of: controller))
        if name.contains("<") { return nil }
        let suffix = "ViewController"
        return name.hasSuffix(suffix) && name != suffix ? String(name.dropLast(suffix.count)) : name
    }
#endif
