import Foundation

/// Programs beside the test.
enum Child {
    /// `JalonChild`, which SwiftPM builds beside the tests.
    static var binary: String { built("JalonChild") }

    /// A program of the package.
    static func built(_ name: String) -> String {
        let tests = URL(fileURLWithPath: CommandLine.arguments[0])
        var folder = tests.deletingLastPathComponent()
        // On a Mac the tests are a bundle inside the folder.
        while folder.path != "/" {
            let child = folder.appendingPathComponent(name).path
            if FileManager.default.isExecutableFile(atPath: child) { return child }
            folder.deleteLastPathComponent()
        }
        fatalError("no \(name) beside \(tests.path)")
    }

    static func start(_ binary: String, _ arguments: [String], _ output: Pipe, errors: Pipe? = nil)
        throws -> Process
    {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: binary)
        process.arguments = arguments
        process.standardOutput = output
        if let errors { process.standardError = errors }
        try process.run()
        return process
    }

    /// All that it prints.
    static func output(_ binary: String, _ arguments: [String], home: String? = nil) throws -> String {
        let pipe = Pipe()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: binary)
        process.arguments = arguments
        process.standardOutput = pipe
        if let home {
            process.environment = ProcessInfo.processInfo.environment.merging(
                ["HOME": home, "XDG_DATA_HOME": home + "/data"]) { $1 }
        }
        try process.run()
        let said = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: said, as: UTF8.self)
    }

    /// Its first line.
    static func line(_ pipe: Pipe) -> String {
        var said = Data()
        while true {
            let more = pipe.fileHandleForReading.availableData
            if more.isEmpty || more.contains(0x0a) {
                said += more
                return String(decoding: said.prefix { $0 != 0x0a }, as: UTF8.self)
            }
            said += more
        }
    }
}
