package jalon.android.support

import jalon.android.CallTexts
import jalon.android.Config
import jalon.android.Consent
import jalon.android.Journey
import jalon.android.LogLevel
import jalon.android.OpenJourneys
import java.io.File
import java.nio.file.Files

/** How long a test waits for loopback and disk; only a broken one takes that long. */
private const val PATIENCE_MS = 60_000L

/** A phone without Android: a folder, and while the app runs a journey. */
class Phone(
    private val endpoint: String,
    val folder: File = Files.createTempDirectory("jalon").toFile(),
) : AutoCloseable {
    private var running: Journey? = null
    val journey get() = running!!

    /** Starts the app. */
    fun open(
        consent: Consent? = Consent.GRANTED,
        writeKey: String = "wk_test",
        endpoint: String = this.endpoint,
        recordSearchQueries: Boolean = false,
    ): Phone {
        val config = Config(
            folder = File(folder, "jalon").path,
            endpoint = endpoint,
            writeKey = writeKey,
            sdk = "jalon-android/test",
            appId = "com.example.shop",
            appVersion = "8.2.0",
            os = "Android 15",
            device = "Pixel 8",
            locale = "fr-FR",
            consent = consent,
            recordSearchQueries = recordSearchQueries,
            quotaBytes = null,
            timeToLiveMs = null,
            extraRoots = emptyList(),
            proxy = null,
            logLevel = LogLevel.WARN,
            locked = false,
        )
        running = OpenJourneys.open(config, CallTexts())
        return this
    }

    /** Uploads everything, or fails. */
    fun upload() = check(journey.uploadAndWait(PATIENCE_MS)) { "not uploaded: ${describe()}" }

    fun restart(): Phone {
        journey.close()
        return open()
    }

    fun describe() = with(journey.status()) {
        "problem=$problem trouble=$storageTrouble recorded=$recorded delivered=$delivered " +
            "queued=$queued dropped=${dropped.total} last=${lastUpload?.problem}"
    }

    override fun close() {
        running?.close()
        folder.deleteRecursively()
    }
}
