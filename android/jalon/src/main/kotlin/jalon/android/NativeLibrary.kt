package jalon.android

import android.os.StrictMode

/** The native library, loaded once. */
internal object NativeLibrary {
    private val loaded by lazy {
        // The class loader opens the file, which StrictMode reports as a disk read: once per process.
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
