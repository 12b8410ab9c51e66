import Foundation
internal import JalonBindings

/// A customer's journey through the app: which screens and products the customer sees, kept on the
/// device through kills and lost networks, brought to the collector, and handed to the agent who
/// takes the customer's call.
///
/// Open it once, as the app starts, and use it from any thread or task. Opening and recording never
/// throw and never block the app: what could not be kept is counted in ``status()``. What
/// ``record(_:)`` took survives a kill of the process at any later instant; on the calling thread it
/// makes one append to a file and no other I/O.
///
/// ```swift
/// let journey = Journey(writeKey: "jalon_write_…", endpoint: "https://calls.example.com")
/// journey.setConsent(.granted)
/// journey.screen("product/{id}")
/// journey.record(.productView(id: "1004856", name: "Galaxy A10"))
/// ```
public final class Journey: Sendable {
    let native: JalonBindings.Journey
    let texts: CallTexts

    // MARK: Opening

    /// Opens the journey, as the app starts; opening it again gives another hold of the same one.
    ///
    /// Never fails. A journey that cannot be opened records nothing, and ``status()`` says why, as
    /// does one line in the log: a wrong option, or a second process. Before the device's first
    /// unlock events wait in memory.
    ///
    /// - Parameters:
    ///   - writeKey: The app's, from `jalon-collector key create --kind write`: public by nature.
    ///   - endpoint: The collector, `https` but for loopback.
    ///   - configuration: The options, each with its default.
    public convenience init(
        writeKey: String, endpoint: String, configuration: Configuration = Configuration()
    ) {
        let folder = configuration.folder ?? StorageFolder.standard
        StorageFolder.prepare(folder)
        let config = Config(writeKey: writeKey, endpoint: endpoint, folder: folder, configuration)
        self.init(config, texts: configuration.texts)
        OpenJourneys.opened(self, configuration)
    }

    /// Opens without the platform.
    init(_ config: Config, texts: CallTexts = CallTexts()) {
        JourneyLog.start(config.logLevel)
        native = JalonBindings.Journey.open(config: config)
        self.texts = texts
    }

    // MARK: Recording

    /// Records what the customer did or saw.
    ///
    /// Kept from the moment it returns, whatever happens to the process. Until the customer was
    /// asked for consent, the newest 200 wait in memory. An event that is invalid or too large is
    /// dropped and counted; the log says so once.
    public func record(_ event: Event) {
        native.record(event: event.crossing)
    }

    /// Records that a screen came up: a route pattern such as `product/{id}`, never a URL.
    public func screen(_ name: String) {
        record(.screenView(name))
    }

    /// Records that the customer looked at a product.
    public func product(
        _ id: String, name: String? = nil, category: String? = nil, brand: String? = nil,
        price: Price? = nil
    ) {
        record(.productView(id: id, name: name, category: category, brand: brand, price: price))
    }

    /// Records that the customer saw something go wrong, by the app's code of it.
    public func failure(_ code: String, screen: String? = nil) {
        record(.failure(code, screen: screen))
    }

    // MARK: The customer

    /// Says who the customer is from here on; `nil` for nobody, such as after a logout.
    ///
    /// The same again changes nothing. `proof` is a short JWT from the app's own backend: only a
    /// customer who has one shows as verified on the agent's desk. Best with ``proofNonce()`` in it,
    /// since one without is accepted from any phone. Ask for one at each login, and pass it at once.
    public func identify(_ customer: String?, proof: String? = nil) {
        if let customer {
            native.identify(customer: customer, proof: proof)
        } else {
            native.clearCustomer()
        }
    }

    /// What the app hands to its backend, to be put into the proof as its `nonce`, so that the proof
    /// is of no use on any other phone: 22 characters, the same until ``erase()`` or a refusal, also
    /// after a restart. `nil` without the customer's consent, and while storage is out of reach. Reads
    /// memory alone; may wait while a small file is written.
    public func proofNonce() -> String? {
        native.proofNonce()
    }

    /// Takes the customer's answer. A grant keeps what waited in memory, a refusal deletes everything
    /// on the device; both are remembered over a restart. Writes a small file on the calling thread.
    public func setConsent(_ consent: Consent) {
        native.setConsent(consent: consent.crossing)
    }

    /// Takes the customer's answer about the location, which nobody has given at first.
    public func allowLocation(_ allowed: Bool) {
        native.allowLocation(allowed: allowed)
    }

    /// Records where the customer is, in degrees, rounded to 0.01 (about a kilometre). Dropped and
    /// counted unless ``allowLocation(_:)`` was called.
    public func setLocation(latitude: Double, longitude: Double) {
        native.setLocation(latitude: latitude, longitude: longitude)
    }

    /// Deletes everything on the device, and has the collector delete what it has, as soon as it can
    /// be reached, also after a restart. A new installation begins, to which nobody has consented.
    /// Where the customer also refuses, erase first, then refuse.
    public func erase() {
        native.erase()
    }

    // MARK: Calls

    /// Opens the connection that a call takes, so that the tap finds it warm. Call it when a "call
    /// us" of your own comes on screen; ``CallUsButton`` does so itself. Returns at once.
    public func prepareCall() {
        native.prepareCall()
    }

    /// Gives a phone call its context: `dialString` is what to open, the code in it.
    ///
    /// `topic` says what the call is about, in the app's words; `scope`, what the customer lets it
    /// carry. Each answer is for one call: ask at the tap, and ask again for the next. Waits for
    /// neither network nor database, also without data.
    ///
    /// - Throws: ``CallError/notANumber`` for a number that is none. No code is used up then.
    public func callContext(
        number: String, topic: String? = nil, scope: CallScope = .everything
    ) throws(CallError) -> CallContext {
        do {
            return CallContext(
                try native.callContext(number: number, topic: topic, scope: scope.crossing))
        } catch {
            throw .notANumber
        }
    }

    /// Gives a call its context that no dialer places: by CallKit, SIP, WebRTC, chat or callback.
    ///
    /// `topic` and `scope` are those of a phone call. Waits for neither network nor database, also
    /// without data.
    public func callContext(topic: String? = nil, scope: CallScope = .everything) -> CallContext {
        // Only a number can be wrong.
        (try? native.callContext(number: nil, topic: topic, scope: scope.crossing))
            .map(CallContext.init) ?? CallContext()
    }

    /// What a call of this `scope` would carry now, from this device alone; the agent also sees what
    /// was uploaded before, where ``Preview/uploadedBefore`` says so. Takes milliseconds as a rule and
    /// two seconds at most, off the calling thread.
    public func preview(scope: CallScope = .everything) async -> Preview {
        await withCheckedContinuation { done in
            DispatchQueue.global(qos: .userInitiated).async {
                done.resume(returning: Preview(self.native.preview(scope: scope.crossing)))
            }
        }
    }

    // MARK: Uploading

    /// Uploads what waits, now, and cuts the library's own waits short. Going to the background does
    /// so by itself. Returns at once.
    public func uploadNow() {
        native.uploadNow()
    }

    /// How the journey stands: what was recorded, delivered, dropped and why. Reads memory alone.
    public func status() -> Status {
        Status(native.status())
    }

    /// Ends the journey: what was recorded is kept, and whatever is called after that does nothing.
    /// Waits for the disk. An app needs it only to open the journey anew.
    public func close() {
        OpenJourneys.forget(self)
        native.close()
    }

    /// Uploads what waits and blocks until nothing waits, an upload failed or the time is over; true
    /// when nothing waits.
    func uploadAndWait(timeoutMs: UInt64) -> Bool {
        native.uploadAndWait(timeoutMs: timeoutMs)
    }
}
