package jalon.android

import jalon.android.support.Child
import jalon.android.support.FakeCollector
import jalon.android.support.Phone
import java.io.File
import java.net.ServerSocket
import java.util.concurrent.atomic.AtomicBoolean
import kotlin.concurrent.thread
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNull
import org.junit.Assert.assertSame
import org.junit.Assert.assertTrue
import org.junit.Test

/** Whatever an app gets wrong, and whatever happens to it, nothing is thrown and nothing waits. */
class HarmlessTest {
    private val closedPort = ServerSocket(0).use { "http://127.0.0.1:${it.localPort}" }

    @Test
    fun `an option that can never work opens a journey that records nothing and says why`() {
        Phone(closedPort).use { phone ->
            val cases = mapOf(
                phone.open(endpoint = "http://calls.example.com").journey to "https",
                phone.open(endpoint = "").journey to "https",
                phone.open(endpoint = "https://").journey to "HOST",
                phone.open(writeKey = "").journey to "write_key",
                phone.open(writeKey = "a key").journey to "write_key",
            )
            for ((journey, word) in cases) {
                everything(journey)
                val problem = journey.status().problem
                assertTrue("$problem", problem!!.contains(word))
                assertEquals(0L, journey.status().recorded)
                // The customer gets through all the same.
                assertEquals("tel:+33123456789", journey.callContext("+33 1 23 45 67 89").dialString)
            }
        }
    }

    @Test
    fun `opening twice gives the same journey, and after close a new one`() {
        Phone(closedPort).use { phone ->
            val first = phone.open().journey
            assertSame(first, phone.open().journey)
            first.screen("home")
            first.close()
            val second = phone.open().journey
            assertFalse(first === second)
            assertNull(second.status().problem)
            first.screen("after close")
            assertEquals(1L, second.apply { preview() }.status().recorded)
        }
    }

    @Test
    fun `use after close does nothing`() {
        FakeCollector().use { collector ->
            Phone(collector.url).open().use { phone ->
                val journey = phone.journey
                journey.screen("home")
                phone.upload()
                journey.close()
                val before = collector.requests.size
                everything(journey)
                journey.close()
                // Nothing was left.
                assertTrue(journey.uploadAndWait(10_000))
                assertEquals(1L, journey.status().recorded)
                assertEquals(before, collector.requests.size)
                assertNull(journey.callContext().token)
            }
        }
    }

    @Test
    fun `what is not a phone number uses up nothing and is counted`() {
        Phone(closedPort).open().use { phone ->
            for (number in listOf("", "call me", "+", "12", "1234567890123456", "*100#", "\uD83D")) {
                assertNull(number, phone.journey.callContext(number).dialString)
                assertNull(number, phone.journey.callContext(number).token)
            }
            assertEquals(14L, phone.journey.status().dropped.invalid)
        }
    }

    @Test
    fun `blank names are dropped and counted`() {
        Phone(closedPort).open().use { phone ->
            val journey = phone.journey
            journey.screen("")
            journey.screen("  \t")
            journey.product("")
            journey.failure("")
            journey.record(Event.Order(Order("", "")))
            journey.record(Event.Custom("", emptyMap()))
            journey.identify("")
            journey.identify("x".repeat(129))
            journey.identify("c-1", "x".repeat(4 * 1024 + 1))
            journey.setLocation(Double.NaN, 0.0)
            journey.preview()
            assertEquals(10L, journey.status().dropped.invalid)
            journey.setLocation(1.0, 1.0)
            assertEquals(1L, journey.status().dropped.consent)
        }
    }

    @Test
    fun `a key that is not accepted and a collector that is not there keep what was recorded`() {
        FakeCollector().use { collector ->
            Phone(collector.url).open().use { phone ->
                collector.status = 401
                phone.journey.screen("home")
                assertFalse(phone.journey.uploadAndWait(60_000))
                val problem = phone.journey.status().lastUpload!!.problem
                assertTrue("$problem", problem!!.contains("401"))
                assertEquals(1L, phone.journey.status().queued)
                collector.status = 200
                phone.upload()
                assertNull(phone.journey.status().lastUpload!!.problem)
            }
        }
        Phone(closedPort).open().use { phone ->
            phone.journey.screen("home")
            assertFalse(phone.journey.uploadAndWait(60_000))
            assertEquals(1L, phone.journey.status().queued)
            assertNotNull(phone.journey.status().lastUpload!!.problem)
        }
    }

    @Test
    fun `a developer's mistake is one line in the log, without the content`() {
        val child = Child.start(Mistakes::class.java, closedPort)
        val lines = child.errorStream.bufferedReader().readLines().filter { it.startsWith("Jalon") }
        assertEquals(0, child.waitFor())
        val about = { word: String -> lines.count { word in it } }
        assertEquals("$lines", 1, about("dropped as invalid"))
        assertEquals("$lines", 1, about("dropped as too large"))
        assertEquals("$lines", 1, about("phone number is not valid"))
        assertEquals("$lines", 1, about("no connection to the collector"))
        assertEquals("$lines", 1, about("nothing is recorded: configuration: endpoint must be https"))
        assertFalse("$lines", lines.any { "secret" in it })
    }

    @Test
    fun `threads hammer while consent flips and the journey closes`() {
        FakeCollector().use { collector ->
            repeat(3) {
                Phone(collector.url).open().use { phone ->
                    val journey = phone.journey
                    val closed = AtomicBoolean()
                    val threads = List(4) { thread { do everything(journey) while (!closed.get()) } }
                    repeat(60) { round ->
                        journey.setConsent(Consent.entries[round % 3])
                        if (round % 7 == 0) journey.erase()
                        Thread.yield()
                    }
                    journey.setConsent(Consent.GRANTED)
                    journey.close()
                    closed.set(true)
                    threads.forEach(Thread::join)
                    val status = journey.status()
                    assertEquals(status.recorded, status.delivered + status.queued + status.dropped.total)
                }
            }
        }
    }

    @Test
    fun `a storage that is out of reach is said and waited for`() {
        Phone(closedPort).use { phone ->
            // A file where the folder should be: not even root can make a folder in it.
            val blocked = File(phone.folder, "jalon").apply { writeText("") }
            val journey = phone.open().journey
            journey.screen("home")
            assertNotNull(journey.status().storageTrouble)
            assertEquals(1L, journey.status().queued)
            blocked.delete()
            assertFalse(journey.uploadAndWait(60_000))
            assertNull(journey.status().storageTrouble)
            assertEquals(1L, phone.restart().journey.apply { preview() }.status().queued)
        }
    }

    /** Every call there is. */
    private fun everything(journey: Journey) {
        journey.screen("home")
        journey.product("1")
        journey.failure("a")
        journey.record(Event.Search("a"))
        journey.identify("c-1")
        journey.identify(null)
        journey.allowLocation(true)
        journey.setLocation(1.0, 2.0)
        journey.prepareCall()
        journey.callContext()
        journey.callContext("112", "billing")
        journey.uploadNow()
        journey.status()
    }
}

/** Makes each mistake three times. */
internal object Mistakes {
    @JvmStatic
    fun main(arguments: Array<String>) {
        Phone(arguments[0]).use { phone ->
            phone.open(endpoint = "http://calls.example.com")
            phone.open()
            repeat(3) {
                phone.journey.screen("")
                phone.journey.record(Event.Custom("secret", (1..17).associate { "secret$it" to Value.Text("secret") }))
                phone.journey.callContext("secret")
                phone.journey.screen("secret")
                phone.journey.uploadAndWait(60_000)
            }
        }
    }
}
