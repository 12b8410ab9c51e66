package jalon.android

import jalon.android.support.FakeCollector
import jalon.android.support.Phone
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotEquals
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test

/** A proof of identity is tied to the phone that it was made for. */
class ProofTest {
    @Test
    fun `there is no nonce before consent, and then one that stays`() = FakeCollector().use { collector ->
        Phone(collector.url).open(consent = null).use { phone ->
            assertNull(phone.journey.proofNonce())
            phone.journey.setConsent(Consent.GRANTED)
            val nonce = phone.journey.proofNonce()!!
            assertTrue(nonce, Regex("[A-Za-z0-9_-]{22}").matches(nonce))
            phone.restart()
            assertEquals(nonce, phone.journey.proofNonce())
        }
    }

    @Test
    fun `each phone has its own, and another after an erasure`() = FakeCollector().use { collector ->
        Phone(collector.url).open().use { one ->
            val first = one.journey.proofNonce()
            Phone(collector.url).open().use { other -> assertNotEquals(first, other.journey.proofNonce()) }
            one.journey.erase()
            assertNull(one.journey.proofNonce())
            one.upload()
            one.journey.setConsent(Consent.GRANTED)
            val second = one.journey.proofNonce()
            assertNotNull(second)
            assertNotEquals(first, second)
        }
    }

    @Test
    fun `without a journey there is none`() {
        // Plain HTTP is for loopback alone: nothing is opened.
        Phone("http://calls.example.com").open().use { phone -> assertNull(phone.journey.proofNonce()) }
    }
}
