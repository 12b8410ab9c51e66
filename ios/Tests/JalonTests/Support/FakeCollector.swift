import Foundation

@testable import Jalon

/// Stands where a collector would, and keeps what phones say word for word.
final class FakeCollector: Sendable {
    struct Request: Sendable {
        let method: String
        let path: String
        let body: JSON?
    }

    private let listening: Int32
    private let kept = Protected<[Request]>([])
    let url: String

    /// The status of every answer.
    let status = Protected(200)
    var requests: [Request] { kept.get() }

    /// What was told of calls.
    var calls: [JSON] { requests.filter { $0.path == "/v1/calls" }.compactMap(\.body) }

    /// Each event once, by epoch and `seq`, in their order.
    var events: [JSON] {
        var found: [[Double]: JSON] = [:]
        for body in requests.compactMap(\.body) {
            for event in body["events"]?.list ?? [] {
                found[[body["epoch"]?.number ?? 0, event["seq"]?.number ?? 0]] = event
            }
        }
        return found.sorted { ($0.key[0], $0.key[1]) < ($1.key[0], $1.key[1]) }.map(\.value)
    }

    /// `locators` are those of the call codes that it leases with each answer.
    init(locators: [String] = []) {
        let (listening, port) = Sockets.listen()
        self.listening = listening
        url = "http://127.0.0.1:\(port)"
        let (kept, status) = (kept, status)
        Thread.detachNewThread {
            while true {
                let connection = Sockets.accept(listening)
                if connection < 0 { return }
                Thread.detachNewThread { Self.serve(connection, kept, status, locators) }
            }
        }
    }

    deinit {
        shutdown(listening, Int32(SHUT_RDWR))
        close(listening)
    }

    private static func serve(
        _ connection: Int32, _ kept: Protected<[Request]>, _ status: Protected<Int>,
        _ locators: [String]
    ) {
        while let (head, body) = Sockets.read(connection) {
            let words = head.split(separator: " ")
            let json = Inflate.gunzip(body).flatMap(JSON.read)
            let request = Request(method: String(words[0]), path: String(words[1]), body: json)
            kept.with { $0.append(request) }
            let status = status.get()
            if status == 200 && request.method == "DELETE" {
                Sockets.write(connection, "HTTP/1.1 204 No Content\r\n\r\n")
                continue
            }
            let codes = locators.map { #"{"locator":"\#($0)","expires_in_s":604800}"# }
            let stored = #"{"stored":1,"codes":[\#(codes.joined(separator: ","))]}"#
            // The type by which the core knows a problem of the collector's own.
            let problem = #"{"type":"urn:jalon:problem:fake","status":\#(status)}"#
            let text = status == 200 ? stored : problem
            Sockets.write(
                connection,
                "HTTP/1.1 \(status) Said\r\nContent-Type: application/json\r\n"
                    + "Content-Length: \(text.utf8.count)\r\n\r\n\(text)")
        }
        close(connection)
    }
}
