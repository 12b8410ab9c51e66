// Written by `cargo xtask bindings kotlin` from bindings/src: change it there.
@file:Suppress("RedundantVisibilityModifier")

package jalon.android

/** The methods of the native library; their arguments and results are bytes. */
internal object Native {
    /** Called by the native library, by name, on a thread of its own. */
    @JvmStatic
    fun consentNeeded(handle: Long) = OpenJourneys.consentNeeded(handle)

    @JvmStatic
    external fun open(handle: Long, input: ByteArray, length: Int): ByteArray?

    @JvmStatic
    external fun allowLocation(handle: Long, input: ByteArray, length: Int): ByteArray?

    @JvmStatic
    external fun callContext(handle: Long, input: ByteArray, length: Int): ByteArray?

    @JvmStatic
    external fun clearCustomer(handle: Long, input: ByteArray, length: Int): ByteArray?

    @JvmStatic
    external fun close(handle: Long, input: ByteArray, length: Int): ByteArray?

    @JvmStatic
    external fun erase(handle: Long, input: ByteArray, length: Int): ByteArray?

    @JvmStatic
    external fun identify(handle: Long, input: ByteArray, length: Int): ByteArray?

    @JvmStatic
    external fun prepareCall(handle: Long, input: ByteArray, length: Int): ByteArray?

    @JvmStatic
    external fun preview(handle: Long, input: ByteArray, length: Int): ByteArray?

    @JvmStatic
    external fun proofNonce(handle: Long, input: ByteArray, length: Int): ByteArray?

    @JvmStatic
    external fun record(handle: Long, input: ByteArray, length: Int): ByteArray?

    @JvmStatic
    external fun setConsent(handle: Long, input: ByteArray, length: Int): ByteArray?

    @JvmStatic
    external fun setForeground(handle: Long, input: ByteArray, length: Int): ByteArray?

    @JvmStatic
    external fun setLocation(handle: Long, input: ByteArray, length: Int): ByteArray?

    @JvmStatic
    external fun setOnline(handle: Long, input: ByteArray, length: Int): ByteArray?

    @JvmStatic
    external fun status(handle: Long, input: ByteArray, length: Int): ByteArray?

    @JvmStatic
    external fun uploadAndWait(handle: Long, input: ByteArray, length: Int): ByteArray?

    @JvmStatic
    external fun uploadNow(handle: Long, input: ByteArray, length: Int): ByteArray?
}

/** A journey of the native library. */
internal class NativeJourney(val handle: Long) {
    companion object {
        fun open(config: jalon.android.Config): NativeJourney = NativeJourney(
            ask({ writeConfig(config) }, { input, length -> Native.open(0, input, length) }) { long() },
        )
    }

    fun allowLocation(allowed: Boolean) =
        tell({ boolean(allowed) }, { input, length -> Native.allowLocation(handle, input, length) })

    /** Throws [JourneyError]. */
    fun callContext(number: String?, topic: String?, scope: jalon.android.CallScope): jalon.android.CallContext = ask(
        { optional(number) { string(it) }; optional(topic) { string(it) }; writeCallScope(scope) },
        { input, length -> Native.callContext(handle, input, length) },
        { readJourneyError() },
    ) { readCallContext() }

    fun clearCustomer() =
        tell({}, { input, length -> Native.clearCustomer(handle, input, length) })

    fun close() =
        tell({}, { input, length -> Native.close(handle, input, length) })

    fun erase() =
        tell({}, { input, length -> Native.erase(handle, input, length) })

    fun identify(customer: String, proof: String?) =
        tell({ string(customer); optional(proof) { string(it) } }, { input, length -> Native.identify(handle, input, length) })

    fun prepareCall() =
        tell({}, { input, length -> Native.prepareCall(handle, input, length) })

    fun preview(scope: jalon.android.CallScope): jalon.android.Preview =
        ask({ writeCallScope(scope) }, { input, length -> Native.preview(handle, input, length) }) { readPreview() }

    fun proofNonce(): String? =
        ask({}, { input, length -> Native.proofNonce(handle, input, length) }) { optional { string() } }

    fun record(event: jalon.android.Event) =
        tell({ writeEvent(event) }, { input, length -> Native.record(handle, input, length) })

    fun setConsent(consent: jalon.android.Consent) =
        tell({ writeConsent(consent) }, { input, length -> Native.setConsent(handle, input, length) })

    fun setForeground(foreground: Boolean) =
        tell({ boolean(foreground) }, { input, length -> Native.setForeground(handle, input, length) })

    fun setLocation(latitude: Double, longitude: Double) =
        tell({ double(latitude); double(longitude) }, { input, length -> Native.setLocation(handle, input, length) })

    fun setOnline(online: Boolean) =
        tell({ boolean(online) }, { input, length -> Native.setOnline(handle, input, length) })

    fun status(): jalon.android.Status =
        ask({}, { input, length -> Native.status(handle, input, length) }) { readStatus() }

    fun uploadAndWait(timeoutMs: Long): Boolean =
        ask({ unsigned(timeoutMs) }, { input, length -> Native.uploadAndWait(handle, input, length) }) { boolean() }

    fun uploadNow() =
        tell({}, { input, length -> Native.uploadNow(handle, input, length) })
}
