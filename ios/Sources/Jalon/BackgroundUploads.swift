import Foundation
import JalonPlatform

#if canImport(BackgroundTasks) && canImport(UIKit)
    import BackgroundTasks
#endif

/// Uploads while the app is not running, through the system's scheduler.
enum BackgroundUploads {
    /// The identifier that the app's Info.plist must permit.
    static let identifier = "jalon.upload"
    static let permittedKey = "BGTaskSchedulerPermittedIdentifiers"

    /// Whether the task may be registered now. The system ends the process at an invalid
    /// registration, so everything it would reject is checked first.
    enum Verdict: Equatable {
        case register
        case already
        case late
        case notPermitted

        static func on(permitted: [String]?, hasLaunched: Bool, isRegistered: Bool) -> Verdict {
            if isRegistered { return .already }
            if permitted?.contains(identifier) != true { return .notPermitted }
            return hasLaunched ? .late : .register
        }

        var line: String? {
            switch self {
            case .register, .already: nil
            case .late:
                "no background upload: register it before the app has finished launching"
            case .notPermitted:
                "no background upload: add \(identifier) to \(permittedKey) in Info.plist"
            }
        }
    }

    private static let isRegistered = Protected(false)

    #if canImport(BackgroundTasks) && canImport(UIKit)
        private static let taskMs: UInt64 = 120_000

        @available(iOSApplicationExtension, unavailable)
        static func register() -> Bool {
            isRegistered.with { isRegistered in
                let verdict = Verdict.on(
                    permitted: Bundle.main.object(forInfoDictionaryKey: permittedKey) as? [String],
                    hasLaunched: jalon_app_has_launched(), isRegistered: isRegistered)
                if let line = verdict.line { JourneyLog.put(.warn, line) }
                if verdict == .register {
                    isRegistered = BGTaskScheduler.shared.register(
                        forTaskWithIdentifier: identifier, using: nil
                    ) { task in run(task) }
                }
                return isRegistered
            }
        }

        /// Requests a task if anything is queued; without a registration nothing would run it.
        static func scheduleIfNeeded(_ journey: Journey) {
            guard isRegistered.get(), journey.status().queued > 0 else { return }
            let request = BGProcessingTaskRequest(identifier: identifier)
            request.requiresNetworkConnectivity = true
            do {
                try BGTaskScheduler.shared.submit(request)
            } catch {
                JourneyLog.put(.info, "no background upload: the system refused the request")
            }
        }

        private static func run(_ task: BGTask) {
            let finish = Finish(task)
            task.expirationHandler = { finish.once(success: false) }
            DispatchQueue.global(qos: .utility).async {
                // Opened by the app as it starts, also in the background; else there is nothing to
                // do.
                let journey = OpenJourneys.current
                // The task has a network, of which a process that was suspended until now may not
                // have heard yet.
                journey?.setOnline(true)
                let done = journey?.uploadAndWait(timeoutMs: taskMs) ?? true
                if !done, let journey { scheduleIfNeeded(journey) }
                finish.once(success: done)
            }
        }

        /// Completes a task once, whoever is first.
        private final class Finish: @unchecked Sendable {
            private let lock = NSLock()
            private var task: BGTask?

            init(_ task: BGTask) {
                self.task = task
            }

            func once(success: Bool) {
                let task = lock.withLock {
                    defer { self.task = nil }
                    return self.task
                }
                task?.setTaskCompleted(success: success)
            }
        }
    #else
        static func scheduleIfNeeded(_: Journey) {}
    #endif
}

#if canImport(BackgroundTasks) && canImport(UIKit)
    @available(iOSApplicationExtension, unavailable)
    extension Journey {
        /// Lets the system start the app from time to time to upload what was still queued when it
        /// left the screen. Opt-in: call it before the app has finished launching, with
        /// `jalon.upload` under `BGTaskSchedulerPermittedIdentifiers` and `processing` under
        /// `UIBackgroundModes` in Info.plist.
        ///
        /// Safe to call twice, late, or without the entry: then it does nothing, and the log says
        /// why. True when the task is registered.
        @discardableResult
        public static func registerBackgroundUpload() -> Bool {
            BackgroundUploads.register()
        }
    }
#endif
