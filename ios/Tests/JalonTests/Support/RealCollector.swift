import Foundation

/// The real collector, in a folder of its own.
final class RealCollector: @unchecked Sendable {
    private static let app = "com.example.shop"
    private let folder: URL
    private let process: Process
    private let output: Pipe
    private let centreKey: String
    let url: String
    let writeKey: String

    init() throws {
        let binary = ProcessInfo.processInfo.environment["JALON_COLLECTOR"] ?? ""
        guard FileManager.default.isExecutableFile(atPath: binary) else {
            fatalError("no collector at '\(binary)': run `cargo xtask test --only swift`")
        }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        func key(_ kind: String) throws -> String {
            let arguments = ["key", "create", "--data", folder.path, "--kind", kind, "--app", Self.app]
            let said = try Child.output(binary, arguments)
            return said.split(separator: "\n").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? ""
        }
        (self.folder, writeKey, centreKey) = (folder, try key("write"), try key("contact-centre"))
        process = Process()
        process.executableURL = URL(fileURLWithPath: binary)
        process.arguments = ["serve", "--listen", "127.0.0.1:0", "--data", folder.path]
        process.environment = ["JALON_LOG": "warn"]
        output = Pipe()
        process.standardOutput = output
        try process.run()
        let line = Child.line(output)
        url = line.replacingOccurrences(of: "listening on ", with: "")
    }

    deinit {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
    }

    /// What an agent's platform gets for a `code` or a `token`.
    func resolve(_ handle: String, _ text: String, callId: String) -> JSON? {
        let body = #"{"\#(handle)":"\#(text)","call_id":"\#(callId)"}"#
        let port = UInt16(url.split(separator: ":").last ?? "") ?? 0
        let connection = Sockets.connect(port)
        defer { close(connection) }
        Sockets.write(
            connection,
            "POST /v1/contexts/resolve HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                + "Authorization: Bearer \(centreKey)\r\nContent-Type: application/json\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
        guard let (head, answer) = Sockets.read(connection), head.contains(" 200 ") else { return nil }
        return JSON.read(answer)
    }
}
