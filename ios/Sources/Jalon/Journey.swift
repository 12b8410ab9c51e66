import Foundation
internal import JalonBindings

/// A customer's journey through the app: which screens and products the customer sees, kept on the
/// device through kills and lost networks, uploaded to the collector, and shown to the agent who
/// takes the customer's call.
///
/// Open it once, as the app starts, and use it from any thread or task. Opening and recording never
/// throw and never block the app: what could not be kept is counted in ``status()``. An event
/// that ``record(_:)`` accepted survives a kill of the process at any later moment; on the calling
/// thread it makes one append to a file and no other I/O.
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
    private let connectivity = Connectivity()

    // MARK: Opening

    /// Opens the journey, as the app starts; opening it again gives another object for the same one.
    ///
    /// Never fails. A journey that cannot be opened records nothing, and ``status()`` says why, as
    /// does one line in the log: a wrong option, or a second process. Before the device's first
    /// unlock events wait in memory.
    ///
    /// - Parameters:
    ///   - writeKey: The app's, from `jalon-collector key create --kind write`: public by nature.
    ///   - endpoint: The collector's URL: `https`, except for loopback.
    ///   - configuration: The options, each with its default.
    public convenience init(
        writeKey: String, endpoint: String, configuration: Configuration = Configuration()
    ) {
        let folder = configuration.folder ?? StorageFolder.standard
        StorageFolder.prepare(folder)
        let config = Config(writeKey: writeKey, endpoint: endpoint, folder: folder, configuration)
        self.init(config, texts: configuration.texts)
        // Not the façade, which would then never go.
        let native = self.native
        connectivity.start { online in native.setOnline(online: online) }
        if let then = configuration.onConsentNeeded {
            native.onConsentNeeded(listener: ConsentNeeded(then))
        }
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
    /// Kept from the moment it returns, whatever happens to the process. Until the customer is
    /// asked for consent, the newest 200 events wait in memory. An event that is invalid or too
    /// large is dropped and counted; the log says so once.
    public func record(_ event: Event) {
        native.record(event: event.crossing)
    }

    /// Records that a screen was shown: a route pattern such as `product/{id}`, never a URL.
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

    /// Records that the customer saw something go wrong, by the app's error code.
    public func failure(_ code: String, screen: String? = nil) {
        record(.failure(code, screen: screen))
    }

    // MARK: The customer

    /// Says who the customer is from now on; `nil` for nobody, such as after a logout.
    ///
    /// Identifying the same customer again changes nothing. `proof` is a short JWT from the app's
    /// own backend: only a customer with a proof is shown as verified on the agent's desk. Put
    /// ``proofNonce()`` into it: a proof without it is accepted from any phone. Ask for a proof at
    /// each login, and pass it immediately.
    public func identify(_ customer: String?, proof: String? = nil) {
        if let customer {
            native.identify(customer: customer, proof: proof)
        } else {
            native.clearCustomer()
        }
    }

    /// The `nonce` that the app's backend puts into the proof, so that the proof is useless on any
    /// other phone: 22 characters, the same until ``erase()`` or a refusal, also after a restart.
    /// `nil` without the customer's consent, and while storage cannot be reached. Reads only
    /// memory; may wait while a small file is written.
    public func proofNonce() -> String? {
        native.proofNonce()
    }

    /// Sets the customer's consent. A grant keeps the events that waited in memory, a refusal
    /// deletes everything on the device, but keeps the installation's id for a later ``erase()``;
    /// both are remembered across a restart. Writes a small file on the calling thread.
    public func setConsent(_ consent: Consent) {
        native.setConsent(consent: consent.crossing)
    }

    /// Sets whether the customer allows the location to be recorded; not allowed at first.
    public func allowLocation(_ allowed: Bool) {
        native.allowLocation(allowed: allowed)
    }

    /// Records where the customer is, in degrees, rounded to 0.01 (about a kilometre). Dropped and
    /// counted unless ``allowLocation(_:)`` was called.
    public func setLocation(latitude: Double, longitude: Double) {
        native.setLocation(latitude: latitude, longitude: longitude)
    }

    /// Deletes everything on the device, and asks the collector to delete its data as soon as it
    /// can be reached, also after a restart. A new installation begins, without consent. A
    /// customer who wants both may refuse before or after it.
    public func erase() {
        native.erase()
    }

    // MARK: Calls

    /// Opens the connection that a call uses, so that it is ready at the tap. Call it when a "call
    /// us" button of your own appears; ``CallUsButton`` does so itself. Returns immediately.
    public func prepareCall() {
        native.prepareCall()
    }

    /// Creates the context of a phone call: `dialString` is the URL to open, with the code in it.
    ///
    /// `topic` says what the call is about, in the app's words; `scope`, what the customer lets it
    /// carry. Each context is for one call: create it at the tap, and a new one for the next call.
    /// Does not wait for the network or the database; works offline.
    ///
    /// - Throws: ``CallError/notANumber`` if `number` is not a phone number. No code is used then.
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

    /// Creates the context of a call that no dialer places: CallKit, SIP, WebRTC, chat or callback.
    ///
    /// `topic` and `scope` are those of a phone call. Does not wait for the network or the
    /// database; works offline.
    public func callContext(topic: String? = nil, scope: CallScope = .everything) -> CallContext {
        // Only a number can be wrong.
        (try? native.callContext(number: nil, topic: topic, scope: scope.crossing))
            .map(CallContext.init) ?? CallContext()
    }

    /// What a call of this `scope` would carry now, from this device alone; the agent also sees
    /// what was uploaded before, where ``Preview/uploadedBefore`` says so. Usually takes
    /// milliseconds, at most two seconds, off the calling thread.
    public func preview(scope: CallScope = .everything) async -> Preview {
        await withCheckedContinuation { done in
            DispatchQueue.global(qos: .userInitiated).async {
                done.resume(returning: Preview(self.native.preview(scope: scope.crossing)))
            }
        }
    }

    // MARK: Uploading

    /// Starts uploading everything that is queued, without waiting for the next scheduled upload.
    /// Going to the background does so too. Returns immediately.
    public func uploadNow() {
        native.uploadNow()
    }

    /// The state of the journey: what was recorded, delivered, dropped and why. Reads only memory.
    public func status() -> Status {
        Status(native.status())
    }

    /// Closes the journey: what was recorded is kept, and every later call does nothing. Waits for
    /// the disk. An app needs it only to open the journey again.
    public func close() {
        OpenJourneys.forget(self)
        connectivity.stop()
        native.close()
    }

    /// Tells whether the app is in front. On return, the core records the screen that was shown
    /// again.
    func setForeground(_ foreground: Bool) {
        native.setForeground(foreground: foreground)
    }

    /// Tells whether the device has a network, as far as the system knows.
    func setOnline(_ online: Bool) {
        native.setOnline(online: online)
    }

    /// Uploads everything that is queued and blocks until the queue is empty, an upload failed or
    /// the time is over; true when the queue is empty.
    func uploadAndWait(timeoutMs: UInt64) -> Bool {
        native.uploadAndWait(timeoutMs: timeoutMs)
    }
}
