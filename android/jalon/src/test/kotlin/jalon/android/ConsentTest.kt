package jalon.android

import jalon.android.support.FakeCollector
import jalon.android.support.Phone
import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test

/** Nothing before a grant, nothing after a refusal, and an erasure reaches the collector. */
class ConsentTest {
    @Test
    fun `what waits for consent is kept at the grant, and a grant is remembered`() {
        FakeCollector().use { collector ->
            Phone(collector.url).open(consent = null).use { phone ->
                phone.journey.screen("welcome")
                assertEquals(Consent.UNKNOWN, phone.journey.status().consent)
                assertEquals(emptyList<File>(), File(phone.folder, "jalon").listFiles().orEmpty().toList())
                phone.journey.setConsent(Consent.GRANTED)
                phone.journey.close()
                phone.open(consent = null)
                assertEquals(Consent.GRANTED, phone.journey.status().consent)
                phone.upload()
                assertEquals("welcome", collector.events.single()["screen"].asString)
            }
        }
    }

    @Test
    fun `a refusal deletes what was recorded, and is remembered`() {
        FakeCollector().use { collector ->
            Phone(collector.url).open().use { phone ->
                phone.journey.screen("home")
                phone.journey.setConsent(Consent.DENIED)
                phone.journey.screen("refused")
                phone.journey.close()
                assertEquals(listOf("denied"), File(phone.folder, "jalon").list()!!.toList())
                phone.open(consent = null)
                assertEquals(Consent.DENIED, phone.journey.status().consent)
                assertTrue(phone.journey.uploadAndWait(60_000))
                assertTrue(collector.requests.isEmpty())
            }
        }
    }

    @Test
    fun `an erasure is told to the collector and begins a new installation`() {
        FakeCollector().use { collector ->
            Phone(collector.url).open().use { phone ->
                phone.journey.screen("home")
                phone.upload()
                phone.journey.erase()
                assertEquals(Consent.UNKNOWN, phone.journey.status().consent)
                phone.upload()
                val installation = collector.requests.first { (_, body) -> body != null }.second!!["installation"]
                assertTrue(collector.requests.any { (path, _) -> path == "/v1/installations/${installation.asString}" })
                phone.journey.setConsent(Consent.GRANTED)
                phone.journey.screen("again")
                phone.upload()
                val last = collector.requests.last { (_, body) -> body != null }.second!!["installation"]
                assertFalse(installation == last)
            }
        }
    }
}
