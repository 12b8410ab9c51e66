#if canImport(Network)
    import Foundation
    import Network

    /// Tells the journey whether the device has a network. One behind a login page counts: whether
    /// it leads to the collector, only an attempt shows.
    ///
    /// `@unchecked`, since not every SDK says that the monitor may be used from any thread.
    final class Connectivity: @unchecked Sendable {
        private static let queue = DispatchQueue(label: "jalon.connectivity", qos: .utility)
        private let monitor = NWPathMonitor()

        /// Tells at once, and whenever it changes. Once only.
        func start(_ tell: @escaping @Sendable (_ online: Bool) -> Void) {
            monitor.pathUpdateHandler = { path in
                // A VPN on demand comes up with the first attempt.
                tell(path.status == .satisfied || path.status == .requiresConnection)
            }
            monitor.start(queue: Self.queue)
        }

        func stop() {
            monitor.cancel()
        }

        deinit {
            monitor.cancel()
        }
    }
#else
    /// Nobody says whether there is a network: the journey takes the device for online.
    final class Connectivity: Sendable {
        func start(_ tell: @escaping @Sendable (_ online: Bool) -> Void) {}
        func stop() {}
    }
#endif
