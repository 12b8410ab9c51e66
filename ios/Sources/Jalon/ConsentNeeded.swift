internal import JalonBindings

/// Hears on the core's thread that consent is needed again, and says so on the main one.
final class ConsentNeeded: ConsentListener, Sendable {
    private let then: @MainActor @Sendable () -> Void

    init(_ then: @escaping @MainActor @Sendable () -> Void) {
        self.then = then
    }

    func consentNeeded() {
        Task { @MainActor [then] in then() }
    }
}
