package jalon.android.bench

import com.sun.management.OperatingSystemMXBean
import java.io.File
import java.lang.management.ManagementFactory

/** Of one processor, in percent: below it nobody works any more. */
private const val QUIET_PERCENT = 10
private const val QUIET_MS = 100L

/** Only a broken run waits as long. */
private const val PATIENCE_MS = 60_000L

/** A steady beat, kept by spinning: a sleep would measure the scheduler. */
internal class Pace(private val stepNs: Long) {
    private var next = System.nanoTime()

    /** Waits for the beat. One that was missed is not made up for. */
    fun await() {
        var now = System.nanoTime()
        while (now < next) {
            Thread.onSpinWait()
            now = System.nanoTime()
        }
        next = maxOf(now, next) + stepNs
    }
}

/** Times each of `count` calls, one every `stepNs`. */
internal inline fun timed(count: Int, stepNs: Long, call: (Int) -> Unit): LongArray =
    timed(count, stepNs, { it }, call)

/** The same, of calls with an item each, which is made just before and not timed. */
internal inline fun <T> timed(
    count: Int,
    stepNs: Long,
    item: (Int) -> T,
    call: (T) -> Unit,
): LongArray {
    val times = LongArray(count)
    val pace = Pace(stepNs)
    for (at in 0 until count) {
        pace.await()
        val made = item(at)
        val start = System.nanoTime()
        call(made)
        times[at] = System.nanoTime() - start
    }
    return times
}

/** Times one call. */
internal inline fun time(call: () -> Unit): Long {
    val start = System.nanoTime()
    call()
    return System.nanoTime() - start
}

/** Asks every ms until the answer is yes. */
internal fun await(what: String, done: () -> Boolean) {
    val start = System.nanoTime()
    while (!done()) {
        check(System.nanoTime() - start < PATIENCE_MS * 1_000_000) { "waited $PATIENCE_MS ms for $what" }
        Thread.sleep(1)
    }
}

private val system = ManagementFactory.getOperatingSystemMXBean() as OperatingSystemMXBean

/** Waits until no thread of this process works any more, so that the next one has the machine. */
internal fun quiet() = await("quiet") {
    val before = system.processCpuTime
    Thread.sleep(QUIET_MS)
    system.processCpuTime - before < QUIET_MS * 1_000_000 * QUIET_PERCENT / 100
}

/** How long this thread was ready to run so far and had no processor, as the kernel counts it. */
internal fun waitedNs() = File("/proc/thread-self/schedstat").readText().split(' ')[1].toLong()

/** How much is done on this machine, by this and all other work: the mean of a minute. */
internal fun loadAverage() = "%.1f".format(system.systemLoadAverage)
