import Foundation
internal import JalonBindings

#if canImport(os)
    import os
#endif

/// Writes the library's lines and the core's to the system's log, under one subsystem. A line never
/// holds an event's content, which is why every line may be public.
enum JourneyLog {
    static let subsystem = "jalon"

    #if DEBUG
        static let defaultLevel = Journey.LogLevel.warn
    #else
        static let defaultLevel = Journey.LogLevel.error
    #endif

    private static let level = Protected(defaultLevel)

    /// Set once, by the first journey that opens.
    private static let core: Void = logTo(sink: Core())

    static func start(_ level: JalonBindings.LogLevel) {
        _ = core
        Self.level.set(Journey.LogLevel(level))
    }

    static func put(_ level: Journey.LogLevel, _ line: String) {
        if level <= Self.level.get() { write(level, line) }
    }

    /// Receives the core's lines; the core filters by level itself.
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
