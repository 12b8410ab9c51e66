package jalon.android

import android.content.Context

/**
 * A customer's journey through the app: which screens and products the customer sees, kept on the
 * device through kills and lost networks, uploaded to the collector, and shown to the agent who
 * takes the customer's call.
 *
 * Open it once, in `Application.onCreate`, and use it from any thread. Nothing here ever throws, and
 * only these block: [preview] and [close] wait for the disk; [setConsent], [allowLocation] and
 * [erase] write a small file. What could not be kept is counted in [status]. An event that [record]
 * accepted survives a kill of the process at any later moment; on the calling thread it makes one
 * append to a file and no other I/O.
 *
 * ```kotlin
 * val journey = Journey.open(this, writeKey = "jalon_write_…", endpoint = "https://calls.example.com")
 * journey.setConsent(Consent.GRANTED)
 * journey.screen("product/{id}")
 * journey.product(id = "1004856", name = "Galaxy A10")
 * journey.call(activity, "+33 1 23 45 67 89")
 * ```
 */
public class Journey internal constructor(
    private val native: NativeJourney?,
    private val problem: String?,
    internal val texts: CallTexts,
    internal val onConsentNeeded: (() -> Unit)? = null,
) {
    /**
     * Records what the customer did or saw.
     *
     * Kept from the moment it returns, whatever happens to the process. Until the customer is
     * asked for consent, the newest 200 events wait in memory. An event that is invalid or too large is
     * dropped and counted; the log says so once.
     */
    public fun record(event: Event): Unit = onNative { record(event) }

    /** Records that a screen was shown: a route pattern such as `product/{id}`, never a URL. */
    public fun screen(name: String): Unit = record(Event.ScreenView(name))

    /** Records that the customer looked at a product. */
    @JvmOverloads
    public fun product(
        id: String,
        name: String? = null,
        category: String? = null,
        brand: String? = null,
        price: Price? = null,
    ): Unit = record(Event.ProductView(Product(id, name, category, brand, price)))

    /** Records that the customer saw something go wrong, by the app's error code. */
    @JvmOverloads
    public fun failure(code: String, screen: String? = null): Unit = record(Event.Failure(code, screen))

    /**
     * Says who the customer is from now on; `null` for nobody, such as after a logout.
     *
     * Identifying the same customer again changes nothing. [proof] is a short JWT from the app's own
     * backend: only a customer with a proof is shown as verified on the agent's desk. Put
     * [proofNonce] into it: a proof without it is accepted from any phone. Ask for a proof at each
     * login, and pass it immediately.
     */
    @JvmOverloads
    public fun identify(customer: String?, proof: String? = null): Unit =
        onNative { if (customer == null) clearCustomer() else identify(customer, proof) }

    /**
     * The `nonce` that the app's backend puts into the proof, so that the proof is useless on any
     * other phone: 22 characters, the same until [erase] or a refusal, also after a restart. `null`
     * without the customer's consent, and while storage cannot be reached. Reads only memory; may
     * wait while a small file is written.
     */
    public fun proofNonce(): String? = harmless({ null }) { native?.proofNonce() }

    /**
     * Sets the customer's consent. A grant keeps the events that waited in memory, a refusal
     * deletes everything on the device, but keeps the installation's id for a later [erase]; both
     * are remembered across a restart. Writes a small file on the calling thread.
     */
    public fun setConsent(consent: Consent): Unit = onNative { setConsent(consent) }

    /** Sets whether the customer allows the location to be recorded; not allowed at first. */
    public fun allowLocation(allowed: Boolean): Unit = onNative { allowLocation(allowed) }

    /**
     * Records where the customer is, in degrees, rounded to 0.01 (about a kilometre). Dropped and
     * counted unless [allowLocation] was called.
     */
    public fun setLocation(latitude: Double, longitude: Double): Unit =
        onNative { setLocation(latitude, longitude) }

    /**
     * Deletes everything on the device, and asks the collector to delete its data as soon as it can
     * be reached, also after a restart. A new installation begins, without consent. A customer who
     * wants both may refuse before or after it.
     */
    public fun erase(): Unit = onNative { erase() }

    /**
     * Opens the connection that a call uses, so that it is ready at the tap. Call it when a "call
     * us" button of your own appears; [CallUsButton] does so itself. Returns immediately.
     */
    public fun prepareCall(): Unit = onNative { prepareCall() }

    /**
     * Opens the phone's dialer on [number], with the code in the dial string, so that the agent who
     * picks up sees this journey. The customer presses the dialer's own button: no permission.
     *
     * Where there is no dialer and [context] is an Activity, the customer is shown the number and
     * the code to say. [topic] says what the call is about, in the app's words; [scope], what the
     * customer lets it carry: there is no code if that is only the number. Call it on the main thread.
     */
    @JvmOverloads
    public fun call(
        context: Context,
        number: String,
        topic: String? = null,
        scope: CallScope = CallScope.EVERYTHING,
    ): CallOutcome =
        harmless({ CallOutcome.NO_DIALER }) { Dialer.call(this, context, number, topic, scope) }

    /**
     * Creates the context of a call, for an app that places calls itself. Leave [number] out for SIP,
     * WebRTC, chat or callback. Does not wait for the network or the database; works offline.
     *
     * [topic] says what the call is about, in the app's words; [scope], what the customer lets it
     * carry. Each context is for one call: create it at the tap, and a new one for the next call.
     *
     * If [number] is not a phone number, no code is used and `dialString` is `null`; the log says so,
     * and the call counts as invalid.
     */
    @JvmOverloads
    public fun callContext(
        number: String? = null,
        topic: String? = null,
        scope: CallScope = CallScope.EVERYTHING,
    ): CallContext =
        harmless({ numberAlone(number) }) {
            try {
                native?.callContext(number, topic, scope) ?: numberAlone(number)
            } catch (_: JourneyError.PhoneNumber) {
                CallContext()
            }
        }

    /**
     * What a call of this [scope] would carry now, from this device alone; the agent also sees what
     * was uploaded before, where [Preview.uploadedBefore] says so. Usually blocks for
     * milliseconds, at most for two seconds: do not call it on the main thread.
     */
    @JvmOverloads
    public fun preview(scope: CallScope = CallScope.EVERYTHING): Preview =
        harmless({ Preview() }) { native?.preview(scope) ?: Preview() }

    /**
     * Starts uploading everything that is queued, without waiting for the next scheduled upload. Going
     * to the background does so too. Returns immediately.
     */
    public fun uploadNow(): Unit = onNative { uploadNow() }

    /** The state of the journey: what was recorded, delivered, dropped and why. Reads only memory. */
    public fun status(): Status = harmless({ Status(problem) }) { native?.status() ?: Status(problem) }

    /**
     * Closes the journey: what was recorded is kept, and every later call does nothing. Waits for the
     * disk. An app needs it only to open the journey again.
     */
    public fun close() {
        OpenJourneys.forget(this)
        onNative { close() }
    }

    /** Whether it was opened: otherwise there is nothing to watch or to upload. */
    internal val records: Boolean
        get() = status().problem == null

    /** Tells whether the app is in front. On return, the core records the screen that was shown again. */
    internal fun setForeground(foreground: Boolean) = onNative { setForeground(foreground) }

    /** Tells whether the phone has a network, as far as the system knows. */
    internal fun setOnline(online: Boolean) = onNative { setOnline(online) }

    internal fun uploadAndWait(timeoutMs: Long): Boolean =
        harmless({ false }) { native?.uploadAndWait(timeoutMs) ?: true }

    private inline fun onNative(what: NativeJourney.() -> Unit) = harmless { native?.what() }

    public companion object {
        /**
         * Opens the journey, in `Application.onCreate`; called again, it returns the same one.
         *
         * Never throws. A journey that cannot be opened records nothing, and [status] says why, as
         * does one line in the log: a wrong option, no native library, or a second process of the
         * app. Before the device's first unlock events wait in memory.
         *
         * [writeKey] is the app's, from `jalon-collector key create --kind write`: public by nature.
         * [endpoint] is the collector's URL: `https`, except for loopback.
         */
        @JvmSynthetic
        public fun open(
            context: Context,
            writeKey: String,
            endpoint: String,
            configure: Configuration.() -> Unit,
        ): Journey = open(context, writeKey, endpoint, Configuration().apply { harmless { configure() } })

        /** Like the other `open`, with the options in an object, or all at their defaults. */
        @JvmStatic
        @JvmOverloads
        public fun open(
            context: Context,
            writeKey: String,
            endpoint: String,
            configuration: Configuration = Configuration(),
        ): Journey = OpenJourneys.open(context, writeKey, endpoint, configuration)
    }
}
