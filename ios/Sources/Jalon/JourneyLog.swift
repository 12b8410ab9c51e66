import Foundation
internal import JalonBindings

#if canImport(os)
    import os
#endif

/// The library's lines in the system's log, under one subsystem; the core's come the same way.
/// Never an event's content, which is why every line may be public.
enum JourneyLog {
    static let subsystem = "jalon"

    #if DEBUG
        static let defaultLevel = Journey.LogLevel.warn
    #else
        static let defaultLevel = Journey.LogLevel.error
    #endif

    private static let level = Protected(defaultLevel)

    /// Set once, whoever opens first.
    private static let core: Void = logTo(sink: Core())

    static func start(_ level: JalonBindings.LogLevel) {
        _ = core
        Self.level.set(Journey.LogLevel(level))
    }

    static func put(_ level: Journey.LogLevel, _ line: String) {
        if level <= Self.level.get() { write(level, line) }
    }

    /// What the core says; it knows the level itself.
    private final class Core: LogSink, Sendable {
        func write(level: JalonBindings.LogLevel, line: String) {
            JourneyLog.write(Journey.LogLevel(level), line)
        }
    }

    #if canImport(os)
        private static let logger = Logger(subsystem: subsystem, category: "journey")

        private static func write(_ level: Journey.LogLevel, _ line: String) {
            switch level {
            case .off: break
            case .error: logger.error("\(line, privacy: .public)")
            case .warn: logger.warning("\(line, privacy: .public)")
            case .info: logger.info("\(line, privacy: .public)")
            case .debug: logger.debug("\(line, privacy: .public)")
            }
        }
    #else
        private static func write(_ level: Journey.LogLevel, _ line: String) {
            FileHandle.standardError.write(Data("Jalon \("\(level)".uppercased()) \(line)\n".utf8))
        }
    #endif
}
