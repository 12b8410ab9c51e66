package jalon.android

import jalon.android.support.Child
import jalon.android.support.FakeCollector
import jalon.android.support.Phone
import java.io.File
import java.nio.file.Files
import org.junit.Assert.assertEquals
import org.junit.Test

/** What `record` took survives SIGKILL at any later instant: here at once, and after a while. */
class KeptTest {
    @Test
    fun `what was recorded is kept when the process is killed`() {
        FakeCollector().use { collector ->
            val folder = Files.createTempDirectory("jalon").toFile()
            // Together they fit one segment of the journal (512 KiB), should the worker never run.
            val counts = listOf(1, 7, 500, 2_000)
            for (count in counts) {
                val child = Child.start(Recorder::class.java, folder.path, "$count", collector.url)
                val said = child.inputStream.bufferedReader().readLine()
                // Kill it while the worker may be anywhere. `destroyForcibly` is SIGKILL.
                child.destroyForcibly().waitFor()
                assertEquals("recorded $count", said)
            }
            Phone(collector.url, folder).open().use { phone ->
                phone.upload()
                val expected = counts.flatMap { count -> (1..count).map { "$count-$it" } }
                val kept = collector.events.filter { it["type"].asString == "screen_view" }
                assertEquals(expected, kept.map { it["screen"].asString })
                val status = phone.journey.status()
                assertEquals(0L, status.dropped.total)
                assertEquals(status.recorded, status.delivered)
            }
        }
    }
}

/** Records, says so, and waits to be killed. */
internal object Recorder {
    @JvmStatic
    fun main(arguments: Array<String>) {
        val (folder, count, url) = arguments
        val journey = Phone(url, File(folder)).open().journey
        for (at in 1..count.toInt()) journey.screen("$count-$at")
        println("recorded $count")
        Thread.currentThread().join()
    }
}
