import Foundation

#if canImport(Glibc)
    import Glibc
    private let stream = Int32(SOCK_STREAM.rawValue)
#else
    import Darwin
    private let stream = SOCK_STREAM
#endif

/// HTTP/1.1 over loopback, one request a connection: what a test's server and client need.
enum Sockets {
    /// A listening socket on a free port, and that port.
    static func listen() -> (socket: Int32, port: UInt16) {
        let listening = socket(AF_INET, stream, 0)
        var address = loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                precondition(bind(listening, $0, length) == 0)
                precondition(getsockname(listening, $0, &length) == 0)
            }
        }
        precondition(system_listen(listening, 64) == 0)
        return (listening, UInt16(bigEndian: address.sin_port))
    }

    static func accept(_ listening: Int32) -> Int32 { system_accept(listening) }

    static func connect(_ port: UInt16) -> Int32 {
        let connection = socket(AF_INET, stream, 0)
        var address = loopback(port)
        let done = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                system_connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if done == 0 { return connection }
        _ = close(connection)
        return -1
    }

    /// A message's head, and its body by `Content-Length`; nil where the other side is gone.
    static func read(_ connection: Int32) -> (head: String, body: Data)? {
        var bytes = Data()
        let end = Data("\r\n\r\n".utf8)
        var room = [UInt8](repeating: 0, count: 65_536)
        while true {
            if let split = bytes.range(of: end) {
                let head = String(decoding: bytes[..<split.lowerBound], as: UTF8.self)
                let field = head.lowercased().components(separatedBy: "\r\n").first {
                    $0.hasPrefix("content-length:")
                }
                let length = field.flatMap {
                    Int($0.dropFirst("content-length:".count).trimmingCharacters(in: .whitespaces))
                }
                let body = bytes[split.upperBound...]
                if body.count >= length ?? 0 { return (head, Data(body.prefix(length ?? 0))) }
            }
            let count = recv(connection, &room, room.count, 0)
            if count <= 0 { return nil }
            bytes += room[..<count]
        }
    }

    static func write(_ connection: Int32, _ text: String) {
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                send(connection, $0.baseAddress, $0.count, Int32(noSignal))
            }
            if count <= 0 { return }
            sent += count
        }
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }
}

#if canImport(Glibc)
    private let noSignal = Int(MSG_NOSIGNAL)
    private func system_listen(_ socket: Int32, _ backlog: Int32) -> Int32 { Glibc.listen(socket, backlog) }
    private func system_accept(_ socket: Int32) -> Int32 { Glibc.accept(socket, nil, nil) }
    private func system_connect(_ socket: Int32, _ to: UnsafePointer<sockaddr>, _ length: socklen_t) -> Int32 {
        Glibc.connect(socket, to, length)
    }
#else
    private let noSignal = 0
    private func system_listen(_ socket: Int32, _ backlog: Int32) -> Int32 { Darwin.listen(socket, backlog) }
    private func system_accept(_ socket: Int32) -> Int32 { Darwin.accept(socket, nil, nil) }
    private func system_connect(_ socket: Int32, _ to: UnsafePointer<sockaddr>, _ length: socklen_t) -> Int32 {
        Darwin.connect(socket, to, length)
    }
#endif
