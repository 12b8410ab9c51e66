package jalon.android

import android.app.Application
import android.content.Context
import android.content.pm.ApplicationInfo
import android.os.Build
import android.os.StrictMode
import java.util.Locale
import java.util.concurrent.ConcurrentHashMap

/** How this build names itself to the collector. */
private const val SDK = "jalon-android/0.1.0"

/** Opens journeys, and knows those that are open. */
internal object Opening {
    private val journeys = ConcurrentHashMap<Long, Journey>()

    /** The journey of this process: the last one that an app opened. */
    @Volatile
    var current: Journey? = null
        private set

    /** What uploads the current journey when the app is not there. */
    @Volatile
    var uploads: Uploads? = null
        private set

    /** Ends the watch over the current journey's app. */
    private var unwatch: () -> Unit = {}

    /** One at a time: two threads that open get one journey, watched once. */
    @Synchronized
    fun open(context: Context, writeKey: String, endpoint: String, given: Configuration?): Journey {
        // Java may give a null.
        val options = given ?: Configuration()
        return harmless({ Journey(null, "opening failed: the log has a line", options.texts) }) {
            val app = context.applicationContext ?: context
            Lines.level = options.logLevel ?: levelOf(app)
            val stranger = otherProcess(app)
            val journey = if (stranger == null) {
                open(config(app, writeKey, endpoint, options), options.texts)
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
        val uploads = Uploads(app, journey, options.jobId)
        val presence = Presence(journey, options, uploads)
        val unlock = Unlock(app) { uploads.resume() }
        this.uploads = uploads
        unwatch = {
            app.unregisterActivityLifecycleCallbacks(presence)
            unlock.stop()
            this.uploads = null
            unwatch = {}
        }
        app.registerActivityLifecycleCallbacks(presence)
        unlock.start()
        uploads.resume()
    }

    /** Opens without Android: the part that tests run on a plain JVM. */
    fun open(config: Config, texts: CallTexts): Journey {
        val native = try {
            Library.load()
            NativeJourney.open(config)
        } catch (fault: LinkageError) {
            return idle("the native library is missing for this processor: ${fault.message}", texts)
        }
        return journeys.getOrPut(native.handle) { Journey(native, null, texts) }
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
        Lines.error("nothing is recorded: $problem")
        return Journey(null, problem, texts)
    }

    /** The name of this process, where it is not the app's main one: only one can have the folder. */
    private fun otherProcess(app: Context): String? {
        val modern = Build.VERSION.SDK_INT >= Build.VERSION_CODES.P
        val name = if (modern) processName() else formerProcessName()
        return name.takeIf { it != null && it != app.applicationInfo.processName }
    }

    @RequiresApi(Build.VERSION_CODES.P)
    private fun processName(): String? = Application.getProcessName()

    /** What `Application.getProcessName` asks in its turn, there since Android 4.3. */
    private fun formerProcessName(): String? = try {
        Class.forName("android.app.ActivityThread").getMethod("currentProcessName").invoke(null) as? String
    } catch (_: ReflectiveOperationException) {
        // Then the folder's lock decides.
        null
    }

    private fun levelOf(app: Context): LogLevel {
        val debuggable = app.applicationInfo.flags and ApplicationInfo.FLAG_DEBUGGABLE != 0
        return if (debuggable) LogLevel.WARN else LogLevel.ERROR
    }

    private fun config(app: Context, writeKey: String, endpoint: String, options: Configuration) = Config(
        // Where `noBackupFilesDir` points; asking for it would touch the disk.
        folder = "${app.applicationInfo.dataDir}/no_backup/jalon",
        endpoint = endpoint,
        writeKey = writeKey,
        sdk = SDK,
        appId = app.packageName,
        appVersion = versionOf(app),
        os = "Android ${Build.VERSION.RELEASE}",
        device = Build.MODEL ?: "",
        locale = Locale.getDefault().toLanguageTag(),
        consent = options.consent,
        recordSearchQueries = options.recordSearchQueries,
        quotaBytes = options.quotaBytes,
        timeToLiveMs = options.timeToLiveMs,
        extraRoots = options.extraRoots,
        proxy = options.proxy,
        locked = Unlock.isAwaited(app),
        logLevel = Lines.level,
    )

    private fun versionOf(app: Context): String =
        harmless({ "" }) { app.packageManager.getPackageInfo(app.packageName, 0).versionName ?: "" }
}

/** The native library, loaded once. */
private object Library {
    private val loaded by lazy {
        // The class loader opens the file: a disk read by StrictMode's book, once per process.
        val policy = policy { StrictMode.allowThreadDiskReads() }
        try {
            System.loadLibrary("jalon")
        } finally {
            policy { policy?.let(StrictMode::setThreadPolicy) }
        }
    }

    fun load() = loaded

    /** There is no StrictMode on a plain JVM. */
    private inline fun <T> policy(what: () -> T): T? = try {
        what()
    } catch (_: LinkageError) {
        null
    }
}
