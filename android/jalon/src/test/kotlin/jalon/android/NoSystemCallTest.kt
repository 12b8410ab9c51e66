package jalon.android

import jalon.android.support.Child
import jalon.android.support.FakeCollector
import jalon.android.support.Phone
import java.io.File
import java.nio.file.Files
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

private const val RECORDS = 200
private const val TAPS = 3

/**
 * On the calling thread `record` and the tap make no I/O: an event is copied into mapped memory.
 * StrictMode cannot see what a native library does; the kernel can.
 */
class NoSystemCallTest {
    /** What the JVM and the allocator do for any code: memory, locks, signals at safepoints. */
    private val ofTheMachine = setOf(
        "brk", "mmap", "munmap", "mprotect", "madvise", "futex", "sched_yield", "rt_sigreturn",
        "rt_sigprocmask", "membarrier", "getrusage", "clock_gettime", "gettid", "sched_getaffinity",
    )

    @Test
    fun `record and the tap make no system call of their own on the calling thread`() {
        val folder = Files.createTempDirectory("jalon-trace").toFile()
        val trace = File(folder, "trace")
        FakeCollector().use { collector ->
            val strace = listOf("strace", "-ff", "-qq", "-s", "64", "-o", trace.path)
            val child = Child.start(Traced::class.java, collector.url, under = strace)
            val said = child.errorStream.bufferedReader().readText()
            assertEquals(said, 0, child.waitFor())
        }
        val thread = folder.listFiles()!!.single { "/mark-record" in it.readText() }
        for (section in listOf("record", "tap")) {
            val calls = thread.readLines()
                .dropWhile { "/mark-$section\"" !in it }.drop(1)
                .takeWhile { "/mark-end\"" !in it }
                .filterNot { it.startsWith("---") || it.startsWith("+++") }
            val others = calls.filter { it.substringBefore('(') !in ofTheMachine }
            assertEquals(section, emptyList<String>(), others)
        }
        assertTrue(folder.deleteRecursively())
    }
}

/** What strace looks at. */
internal object Traced {
    /** A place in the trace, by a call that the library never makes. */
    private fun mark(name: String) = File("/mark-$name").canRead()

    @JvmStatic
    fun main(arguments: Array<String>) {
        Phone(arguments[0]).open().use { phone ->
            val journey = phone.journey
            // Classes are loaded, code is compiled, and room has grown to its size.
            repeat(20_000) { journey.product("$it", "Galaxy A10", price = Price(13_076, "EUR")) }
            // The journal has room again: without it a call has no token, and a class is not loaded.
            journey.preview()
            checkNotNull(journey.callContext("112").token)
            journey.preview()
            mark("warm")
            mark("end")
            mark("record")
            for (at in 1..RECORDS) journey.product("$at", "Galaxy A10", price = Price(13_076, "EUR"))
            mark("end")
            journey.preview()
            mark("tap")
            for (at in 1..TAPS) journey.callContext("+33123456789", "billing")
            mark("end")
        }
    }
}
