package jalon.android

import jalon.android.support.FakeCollector
import jalon.android.support.Phone
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Test

/** What a call carries has the exact form of each carrier. */
class CarriersTest {
    private fun calling(number: String?, what: (CallContext) -> Unit) = FakeCollector().use { collector ->
        collector.locators = listOf("412907384")
        Phone(collector.url).open().use { phone ->
            phone.upload()
            phone.journey.screen("home")
            phone.upload()
            what(phone.journey.callContext(number))
        }
    }

    @Test
    fun `a phone call dials the number, two pauses and the code, which reads aloud in groups`() =
        calling("+33 1 23 45 67 89") { call ->
            assertEquals("tel:+33123456789,,${call.code}", call.dialString)
            assertEquals("412907384", call.code!!.take(9))
            val spoken = call.spokenCode!!.split(" ")
            assertEquals(listOf(3, 3, 3, 3, 1), spoken.map { it.length })
            assertEquals(call.code, spoken.joinToString(""))
        }

    @Test
    fun `a SIP call has both headers, with the token in each`() = calling(null) { call ->
        assertNull(call.dialString)
        val (uui, own) = call.sipHeaders
        assertEquals("User-to-User", uui.name)
        assertEquals(22, call.token!!.length)
        val hex = call.token!!.toByteArray(Charsets.US_ASCII).joinToString("") { "%02x".format(it) }
        assertEquals("00$hex;encoding=hex;purpose=isdn-uui;content=isdn-uui", uui.value)
        assertEquals("X-Jalon-Context" to call.token, own.name to own.value)
        assertEquals(2, call.sipHeaders.size)
    }

    @Test
    fun `a chat, a callback or a link has a parameter with the token`() = calling(null) { call ->
        val parameter = call.linkParameter!!
        assertEquals("jalon_context" to call.token, parameter.name to parameter.value)
    }

    @Test
    fun `what a call carries shows itself in no text that could end up in a log`() = calling("112") { call ->
        val texts = listOf(call, call.sipHeaders, call.linkParameter).map { it.toString() }
        for (secret in listOf(call.token!!, call.code!!)) {
            for (text in texts) assertFalse(secret in text)
        }
    }
}
