package jalon.android

import android.app.Application
import android.content.Context
import android.os.Handler
import android.os.Looper
import java.util.concurrent.ConcurrentHashMap

/** Opens journeys, and keeps those that are open. */
internal object OpenJourneys {
    private val journeys = ConcurrentHashMap<Long, Journey>()

    /** The journey of this process: the last one that an app opened. */
    @Volatile
    var current: Journey? = null
        private set

    /** Uploads the current journey when the app is not on screen. */
    @Volatile
    var uploads: BackgroundUploads? = null
        private set

    /** Stops watching the app for the current journey. */
    private var unwatch: () -> Unit = {}

    /** One at a time: two threads that open get one journey, watched once. */
    @Synchronized
    fun open(context: Context, writeKey: String, endpoint: String, given: Configuration?): Journey {
        // Java may give a null.
        val options = given ?: Configuration()
        return harmless({ Journey(null, "opening failed: the log has a line", options.texts) }) {
            val app = context.applicationContext ?: context
            JourneyLog.level = options.logLevel ?: AppInfo.defaultLogLevel(app)
            val stranger = AppInfo.otherProcess(app)
            val journey = if (stranger == null) {
                open(config(app, writeKey, endpoint, options), options.texts, options.onConsentNeeded)
            } else {
                idle("this is the process $stranger: open the journey in the app's main process", options)
            }
            val known = current === journey
            if (!known) unwatch()
            current = journey
            if (app is Application && !known && journey.records) watch(app, journey, options)
            journey
        }
    }

    private fun watch(app: Application, journey: Journey, options: Configuration) {
        val uploads = BackgroundUploads(app, journey, options.jobId)
        val lifecycle = AppLifecycle(journey, options, uploads)
        val unlock = FirstUnlock(app) { uploads.resume() }
        val connectivity = Connectivity(app, journey)
        this.uploads = uploads
        unwatch = {
            app.unregisterActivityLifecycleCallbacks(lifecycle)
            unlock.stop()
            uploads.inBackground(connectivity::stop)
            this.uploads = null
            unwatch = {}
        }
        app.registerActivityLifecycleCallbacks(lifecycle)
        unlock.start()
        // Asks the system, which answers from another process.
        uploads.inBackground(connectivity::start)
        uploads.resume()
    }

    /** Opens without Android: the part that tests run on a plain JVM. */
    fun open(config: Config, texts: CallTexts, onConsentNeeded: (() -> Unit)? = null): Journey {
        val native = try {
            NativeLibrary.load()
            NativeJourney.open(config)
        } catch (fault: LinkageError) {
            return idle("the native library is missing for this processor: ${fault.message}", texts)
        }
        return journeys.getOrPut(native.handle) { Journey(native, null, texts, onConsentNeeded) }
    }

    /** The journey of this handle has no consent any more. On a thread of the native library. */
    fun consentNeeded(handle: Long) = harmless {
        val listener = journeys[handle]?.onConsentNeeded ?: return@harmless
        Handler(Looper.getMainLooper()).post { harmless(listener) }
    }

    @Synchronized
    fun forget(journey: Journey) {
        journeys.values.remove(journey)
        if (current !== journey) return
        current = null
        unwatch()
    }

    private fun idle(problem: String, options: Configuration) = idle(problem, options.texts)

    private fun idle(problem: String, texts: CallTexts): Journey {
        JourneyLog.error("nothing is recorded: $problem")
        return Journey(null, problem, texts)
    }

    private fun config(app: Context, writeKey: String, endpoint: String, options: Configuration) = Config(
        folder = StorageFolder.of(app),
        endpoint = endpoint,
        writeKey = writeKey,
        sdk = AppInfo.SDK,
        appId = app.packageName,
        appVersion = AppInfo.versionOf(app),
        os = AppInfo.os,
        device = AppInfo.device,
        locale = AppInfo.locale,
        consent = options.consent,
        recordSearchQueries = options.recordSearchQueries,
        quotaBytes = options.quotaBytes,
        timeToLiveMs = options.timeToLiveMs,
        extraRoots = options.extraRoots,
        proxy = options.proxy,
        locked = FirstUnlock.isAwaited(app),
        logLevel = JourneyLog.level,
    )
}
