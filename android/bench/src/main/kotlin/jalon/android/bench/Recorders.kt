package jalon.android.bench

import com.segment.analytics.kotlin.core.Analytics
import com.segment.analytics.kotlin.core.Configuration
import com.segment.analytics.kotlin.core.RequestFactory
import com.segment.analytics.kotlin.core.Storage
import com.segment.analytics.kotlin.core.StorageProvider
import com.segment.analytics.kotlin.core.Telemetry
import com.segment.analytics.kotlin.core.utilities.FileEventStream
import com.segment.analytics.kotlin.core.utilities.PropertiesFile
import com.segment.analytics.kotlin.core.utilities.StorageImpl
import jalon.android.CallTexts
import jalon.android.Config
import jalon.android.Consent
import jalon.android.Journey
import jalon.android.LogLevel
import jalon.android.OpenJourneys
import jalon.android.Price
import java.io.File
import java.net.HttpURLConnection
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put

/** What takes product views. */
internal interface Recorder : AutoCloseable {
    /** Hands over a product view: what an app's main thread does. */
    fun view(product: Shown)

    /** Waits until all of it is uploaded. */
    fun rest()
}

/** Jalon. */
internal class Ours(folder: File, url: String, consent: Consent = Consent.GRANTED) : Recorder {
    val journey: Journey = open(folder, url, consent)

    init {
        val problem = journey.status().problem
        check(problem == null) { "not opened: $problem" }
        journey.screen("product/{id}")
    }

    override fun view(product: Shown) {
        val price = Price(product.cents, "EUR")
        journey.product(product.id, product.name, product.category, product.brand, price)
    }

    override fun rest() {
        await("the upload") {
            journey.uploadNow()
            journey.status().queued == 0L
        }
        quiet()
        checkKept()
    }

    /** A dropped event costs less than a recorded one. */
    fun checkKept() = with(journey.status()) {
        check(dropped.total == 0L && storageTrouble == null) { "${dropped.total} dropped; $storageTrouble" }
    }

    override fun close() = journey.close()

    companion object {
        /** Room for the longest backlog here; the default holds fewer of these events. */
        private const val QUOTA_BYTES = 16L * 1024 * 1024

        fun open(folder: File, url: String, consent: Consent = Consent.GRANTED): Journey =
            OpenJourneys.open(config(folder, url, consent), CallTexts())

        private fun config(folder: File, url: String, consent: Consent) = Config(
            folder = folder.path,
            endpoint = url,
            writeKey = "wk_bench",
            sdk = "jalon-android/0.1.0",
            appId = "com.example.shop",
            appVersion = "8.2.0",
            os = "Android 15",
            device = "Pixel 8",
            locale = "fr-FR",
            consent = consent,
            recordSearchQueries = false,
            quotaBytes = QUOTA_BYTES,
            timeToLiveMs = null,
            extraRoots = emptyList(),
            proxy = null,
            logLevel = LogLevel.ERROR,
        )
    }
}

/** Segment's analytics-kotlin, with its defaults but for where it writes and uploads. */
internal class Segment(folder: File, url: String, key: String = "bench") : Recorder {
    @Volatile
    private var fault: Throwable? = null

    private val analytics = Analytics(
        Configuration(
            writeKey = key,
            application = "bench",
            storageProvider = InFolder(folder),
            requestFactory = ToLoopback(url),
            errorHandler = { fault = it },
        ),
    )

    override fun view(product: Shown) {
        val properties = buildJsonObject {
            put("product_id", product.id)
            put("name", product.name)
            put("category", product.category)
            put("brand", product.brand)
            put("price", product.cents / CENTS)
            put("currency", "EUR")
        }
        analytics.track("Product Viewed", properties)
    }

    override fun rest() {
        analytics.flush()
        quiet()
        fault?.let { throw IllegalStateException("Segment failed", it) }
    }

    override fun close() = analytics.shutdown()

    /** Its own storage, where we say: by default it lies in `/tmp/analytics-kotlin`. */
    private class InFolder(private val folder: File) : StorageProvider {
        override fun createStorage(vararg params: Any): Storage {
            val analytics = params[0] as Analytics
            val key = analytics.configuration.writeKey
            return StorageImpl(
                PropertiesFile(File(folder, "$key.properties")),
                FileEventStream(File(folder, "events")),
                analytics.store,
                key,
                "segment.events.file.index.$key",
                analytics.fileIODispatcher,
            )
        }
    }

    /** Its own client over OkHttp, but without TLS, and to loopback. */
    private class ToLoopback(private val url: String) : RequestFactory() {
        override fun openConnection(url: String): HttpURLConnection =
            super.openConnection(this.url + url.removePrefix("https://").dropWhile { it != '/' })
    }

    companion object {
        private const val CENTS = 100.0

        init {
            // Its reports about itself, to a host that is not there.
            Telemetry.enable = false
        }
    }
}
