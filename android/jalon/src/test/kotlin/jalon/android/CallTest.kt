package jalon.android

import jalon.android.support.Phone
import jalon.test.RealCollector
import org.junit.AfterClass
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.BeforeClass
import org.junit.Test

/** The whole way with a real collector: what was recorded is what the agent sees. */
class CallTest {
    @Test
    fun `the agent who resolves the code sees what was recorded`() {
        Phone(collector.url).open(writeKey = collector.writeKey).use { phone ->
            val journey = phone.journey
            journey.identify("customer-42")
            journey.screen("home")
            journey.product("1004856", "Galaxy A10", "electronics.smartphone", "samsung", Price(13_076, "EUR"))
            phone.upload()
            journey.failure("payment_declined", "checkout")
            val call = journey.callContext("+33 1 23 45 67 89", "billing")
            assertEquals("tel:+33123456789,,${call.code}", call.dialString)
            assertEquals(call.code, call.spokenCode!!.replace(" ", ""))
            assertEquals(24 * 3_600_000L, call.expiresInMs)
            phone.upload()
            val context = collector.resolve("code", call.code!!, "call-1")
            assertEquals(call.token, context["call"].asJsonObject["token"].asString)
            assertEquals("billing", context["call"].asJsonObject["topic"].asString)
            assertEquals("customer-42", context["customer"].asJsonObject["id"].asString)
            assertEquals("payment_declined", context["failure"].asJsonObject["code"].asString)
            val texts = context["steps"].asJsonArray.map { it.asJsonObject["type"].asString }
            assertEquals(listOf("screen_view", "product_view", "failure"), texts.filter { it != "customer" && it != "call" })
            assertEquals("live", context["freshness"].asJsonObject["state"].asString)
        }
    }

    @Test
    fun `the token alone finds the same call, without a number`() {
        Phone(collector.url).open(writeKey = collector.writeKey).use { phone ->
            phone.journey.screen("chat")
            val call = phone.journey.callContext()
            assertNull(call.dialString)
            phone.upload()
            val context = collector.resolve("token", call.token!!, "chat-1")
            assertEquals("chat", context["last_screen"].asJsonObject["name"].asString)
        }
    }

    @Test
    fun `the preview shows what the call then carries`() {
        Phone(collector.url).open(writeKey = collector.writeKey).use { phone ->
            val journey = phone.journey
            assertEquals(emptyList<PreviewStep>(), journey.preview().steps)
            journey.identify("customer-42")
            journey.screen("product/{id}")
            journey.product("1", "Galaxy A10")
            journey.record(Event.Search("secret"))
            val preview = journey.preview()
            assertEquals("customer-42", preview.customer)
            val about = preview.steps.map { it.what to it.about }
            val expected = listOf(
                StepKind.CUSTOMER to "customer-42",
                StepKind.SCREEN_VIEW to "product/{id}",
                StepKind.PRODUCT_VIEW to "Galaxy A10",
                // Nobody allowed what is typed into a search.
                StepKind.SEARCH to null,
            )
            assertEquals(expected, about)
            assertEquals(false, preview.uploadedBefore)
            phone.upload()
            assertEquals(true, journey.preview().uploadedBefore)
        }
    }

    @Test
    fun `without consent a call carries nothing but the number`() {
        Phone(collector.url).open(consent = Consent.DENIED, writeKey = collector.writeKey).use { phone ->
            val call = phone.journey.callContext("112")
            assertEquals("tel:112", call.dialString)
            assertEquals(listOf(null, null, null), listOf(call.token, call.code, call.linkParameter))
            assertEquals(emptyList<NamedValue>(), call.sipHeaders)
            assertEquals(Preview(), phone.journey.preview())
        }
    }

    companion object {
        private lateinit var collector: RealCollector

        @JvmStatic
        @BeforeClass
        fun start() {
            collector = RealCollector.start()
        }

        @JvmStatic
        @AfterClass
        fun stop() = collector.close()
    }
}
