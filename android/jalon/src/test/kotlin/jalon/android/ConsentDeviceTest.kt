package jalon.android

import android.os.Looper
import jalon.android.support.Device
import jalon.android.support.FakeCollector
import jalon.android.support.await
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertSame
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config

/** The app hears when it must ask for consent again. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35])
class ConsentDeviceTest {
    private val collector = FakeCollector()
    private val device = Device(collector.url)

    /** The threads on which the app was asked. */
    private val asked = mutableListOf<Thread>()

    private fun open() = device.open { onConsentNeeded = { asked += Thread.currentThread() } }

    @After
    fun end() {
        device.close()
        collector.close()
    }

    @Test
    fun `after an erasure the app is asked once, on the main thread`() {
        val journey = open()
        journey.screen("home")
        journey.erase()
        await { Unit.takeIf { asked.isNotEmpty() } }
        assertSame(Looper.getMainLooper().thread, asked.single())
        assertEquals(Consent.UNKNOWN, journey.status().consent)
    }

    @Test
    fun `after an erasure at the collector, too`() {
        collector.status = 410
        val journey = open()
        journey.screen("home")
        journey.uploadNow()
        await { Unit.takeIf { asked.isNotEmpty() } }
        assertEquals(Consent.UNKNOWN, journey.status().consent)
    }

    @Test
    fun `a listener that fails costs nothing, and the journey goes on`() {
        val journey = device.open {
            onConsentNeeded = {
                asked += Thread.currentThread()
                error("a mistake of the app's")
            }
        }
        repeat(2) { round ->
            journey.erase()
            await { Unit.takeIf { asked.size == round + 1 } }
            journey.setConsent(Consent.GRANTED)
        }
        journey.screen("home")
        check(journey.uploadAndWait(60_000))
        assertEquals(listOf("home"), collector.events.map { it["screen"].asString })
    }
}
