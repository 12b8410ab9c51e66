package jalon.android

import android.util.Log

/**
 * Writes the library's own lines to Android's log; the core writes its lines under the same tag. (Not
 * named `Log`, which is Android's.)
 */
internal object JourneyLog {
    const val TAG = "Jalon"

    @Volatile
    var level = LogLevel.WARN

    /** Where lines go: on a plain JVM there is no Android log. */
    @Volatile
    var write: (priority: Int, line: String) -> Unit = { priority, line -> Log.println(priority, TAG, line) }

    fun error(line: String) = put(LogLevel.ERROR, Log.ERROR, line)

    fun warn(line: String) = put(LogLevel.WARN, Log.WARN, line)

    fun info(line: String) = put(LogLevel.INFO, Log.INFO, line)

    /** The class alone: a message may hold what the app recorded. */
    fun failed(fault: Throwable) = error("a call did nothing (${fault.javaClass.name}): please report it")

    private fun put(needs: LogLevel, priority: Int, line: String) {
        if (level < needs) return
        try {
            write(priority, line)
        } catch (_: Throwable) {
            // A log line must never fail an app.
        }
    }
}
