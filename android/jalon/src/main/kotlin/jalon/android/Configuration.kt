package jalon.android

import android.app.Activity

/**
 * The options of a journey, each with its default.
 *
 * ```kotlin
 * Journey.open(this, writeKey = "jalon_write_…", endpoint = "https://calls.example.com") {
 *     consent = Consent.GRANTED
 *     screenName = { activity -> routes[activity.javaClass] }
 * }
 * ```
 */
public class Configuration {
    /**
     * The consent where none is stored. A stored answer goes before it, and so does an erasure, after
     * which only [Journey.setConsent] answers; but [Consent.DENIED] always refuses.
     */
    public var consent: Consent? = null

    /**
     * Called on the main thread when the customer must be asked for consent again: everything was erased,
     * by [Journey.erase] or at the collector, and nobody has answered since. As the app starts,
     * [Journey.status] says whether consent is unknown.
     */
    public var onConsentNeeded: (() -> Unit)? = null

    /** Whether what customers type into a search is recorded, and not only how much it found. */
    public var recordSearchQueries: Boolean = false

    /** Whether each Activity that is shown is recorded as a screen view. */
    public var automaticScreens: Boolean = true

    /**
     * The screen name of an Activity, a route pattern such as `product/{id}`; `null` for one that is
     * not a screen. Called on the main thread. By default the class name without `Activity`.
     */
    public var screenName: (Activity) -> String? = ::defaultScreenName

    /** The most bytes to use on the device, all files together: at least 1 MiB; `null` for 5 MiB. */
    public var quotaBytes: Long? = null

    /** How long an event that cannot be uploaded is kept, in ms; `null` for 7 days. */
    public var timeToLiveMs: Long? = null

    /** Further root certificates to trust, each in DER: for a company's own certificate authority. */
    public var extraRoots: List<ByteArray> = emptyList()

    /** An HTTP proxy, such as `http://proxy.example.com:3128`. The system's proxy is not used. */
    public var proxy: String? = null

    /**
     * The id of the job that uploads while the app is not there; `null` for no job. From Android 14 on
     * it has a namespace of its own; on older ones it must differ from the ids of the app's jobs.
     */
    public var jobId: Int? = DEFAULT_JOB_ID

    /**
     * How much is written to Android's log, under the tag `Jalon`, never an event's content. `null`:
     * warnings in a debuggable build, errors in others.
     */
    public var logLevel: LogLevel? = null

    /** What "call us" says to the customer, in the customer's language. */
    public var texts: CallTexts = CallTexts()

    /** Defaults shared with tests. */
    internal companion object {
        /** "JALN" in ASCII: unlikely to be the id of one of the app's jobs. */
        const val DEFAULT_JOB_ID = 0x4A41_4C4E
    }
}

private fun defaultScreenName(activity: Activity): String {
    val name = activity.javaClass.simpleName
    return name.removeSuffix("Activity").ifEmpty { name }
}
