package jalon.android.bench

import java.io.File
import java.lang.management.ManagementFactory

private const val MEGABYTE = 1024 * 1024.0

/** Recorded before, so that classes are loaded and code is compiled. */
private const val BEFORE = 20_000
private const val CHILDREN = 3

/** What the process holds, in MB: Java objects that live, and memory that the system gave it. */
internal class Memory(val heap: Double, val resident: Double) {
    fun line() = "$heap $resident"

    companion object {
        fun now(): Memory {
            // What finalizers and cleaners let go of in the first is collected in the second.
            repeat(2) { System.gc() }
            val heap = ManagementFactory.getMemoryMXBean().heapMemoryUsage.used / MEGABYTE
            val line = File("/proc/self/status").readLines().first { it.startsWith("VmRSS:") }
            return Memory(heap, line.filter(Char::isDigit).toLong() * 1024 / MEGABYTE)
        }
    }
}

/** A JVM of its own: records, and prints what that added, right after the last call and at rest. */
internal fun weigh(recorder: Recorder, products: List<Shown>, events: Int, stepNs: Long) {
    fun record(count: Int) = timed(count, stepNs) { recorder.view(products[it % products.size]) }
    record(BEFORE)
    recorder.rest()
    val before = Memory.now()
    record(events)
    val after = Memory.now()
    recorder.rest()
    val rest = Memory.now()
    for (at in listOf(after, rest)) {
        println(Memory(at.heap - before.heap, at.resident - before.resident).line())
    }
    recorder.close()
}

/** Weighs in JVMs of their own, with the options of this one, and gives the medians. */
internal fun weighed(who: String, dir: File, data: File, url: String): List<Memory> {
    val java = File(System.getProperty("java.home"), "bin/java").path
    val options = ManagementFactory.getRuntimeMXBean().inputArguments + "-XX:+AlwaysPreTouch"
    val command = listOf(java) + options +
        listOf("-cp", System.getProperty("java.class.path"), "jalon.android.bench.MainKt")
    val runs = List(CHILDREN) { at ->
        val folder = File(dir, "weighed-$who-$at").path
        val child = ProcessBuilder(command + listOf(who, folder, data.path, url))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start()
        val lines = child.inputStream.bufferedReader().readLines()
        check(child.waitFor() == 0) { "a child that weighs $who failed: $lines" }
        lines.map { line -> line.split(' ').map(String::toDouble) }
    }
    return List(2) { at ->
        Memory(median(runs.map { it[at][0] }), median(runs.map { it[at][1] }))
    }
}
