import Foundation

@testable import Jalon

/// A phone without a screen: a folder, and while the app runs a journey.
final class Phone {
    private let endpoint: String
    let folder: URL
    private var running: Journey?

    var journey: Journey { running ?? open().journey }

    init(
        _ endpoint: String,
        folder: URL = Phone.all.appendingPathComponent(UUID().uuidString)
    ) {
        self.endpoint = endpoint
        self.folder = folder
    }

    /// Starts the app.
    @discardableResult
    func open(
        consent: Journey.Consent? = .granted, writeKey: String = "wk_test", endpoint: String? = nil,
        recordSearchQueries: Bool = false
    ) -> Phone {
        var configuration = Journey.Configuration()
        configuration.consent = consent
        configuration.recordSearchQueries = recordSearchQueries
        return open(configuration, endpoint: endpoint, writeKey: writeKey)
    }

    @discardableResult
    func open(
        _ given: Journey.Configuration, endpoint: String? = nil, writeKey: String = "wk_test"
    ) -> Phone {
        var configuration = given
        configuration.folder = folder
        configuration.logLevel = .off
        running = Journey(
            writeKey: writeKey, endpoint: endpoint ?? self.endpoint, configuration: configuration)
        return self
    }

    /// Uploads everything; only a broken test takes a minute.
    func upload() -> Bool {
        journey.uploadAndWait(timeoutMs: 60_000)
    }

    /// What stands in the journey's folder.
    var files: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).sorted()
    }

    /// Every phone's folder, until the tests end: a journey may outlive its phone's last use.
    private static let all: URL = {
        atexit { try? FileManager.default.removeItem(at: Phone.place) }
        try? FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        return place
    }()

    private static let place = FileManager.default.temporaryDirectory
        .appendingPathComponent("jalon-tests-\(ProcessInfo.processInfo.processIdentifier)")

    /// An address where nobody listens.
    static let nowhere: String = {
        let (socket, port) = Sockets.listen()
        close(socket)
        return "http://127.0.0.1:\(port)"
    }()
}
