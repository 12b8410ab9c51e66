package jalon.android

import com.google.gson.JsonNull
import com.google.gson.JsonObject
import jalon.android.support.FakeCollector
import jalon.android.support.Phone
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Test

/** A call carries what its customer lets it carry, and nothing beside. */
class ScopeTest {
    private fun atPayment(what: (FakeCollector, Phone) -> Unit) = FakeCollector().use { collector ->
        collector.locators = listOf("412907384")
        Phone(collector.url).open().use { phone ->
            phone.journey.identify("customer-42")
            phone.journey.screen("cart")
            phone.upload()
            phone.journey.failure("out_of_stock")
            phone.journey.screen("payment")
            phone.journey.failure("payment_declined")
            what(collector, phone)
        }
    }

    private fun snapshot(collector: FakeCollector, phone: Phone): JsonObject {
        phone.upload()
        return collector.calls().single()
    }

    private fun JsonObject.scope() = this["call"].asJsonObject["scope"].asString

    @Test
    fun `a call carries everything unless it says otherwise`() = atPayment { collector, phone ->
        val call = phone.journey.callContext("112", "billing")
        assertEquals("412907384", call.code!!.take(9))
        val snapshot = snapshot(collector, phone)
        assertEquals("everything", snapshot.scope())
        assertEquals("customer-42", snapshot["customer"].asJsonObject["id"].asString)
    }

    @Test
    fun `a call of only this screen says so in its code, and sends what failed on that screen`() =
        atPayment { collector, phone ->
            val call = phone.journey.callContext("112", "billing", CallScope.ONLY_THIS_SCREEN)
            assertEquals("412907385", call.code!!.take(9))
            val snapshot = snapshot(collector, phone)
            assertEquals("screen", snapshot.scope())
            assertEquals("payment", snapshot["call"].asJsonObject["screen"].asString)
            assertEquals(null, snapshot["customer"]?.takeUnless { it == JsonNull.INSTANCE })
            val failures = snapshot["events"].asJsonArray.map { it.asJsonObject["failure"].asJsonObject["code"].asString }
            assertEquals(listOf("payment_declined"), failures)
            for (kept in listOf("cart", "customer-42", "out_of_stock")) {
                assertFalse("$kept in $snapshot", kept in snapshot.toString())
            }
        }

    @Test
    fun `a call of nothing but the number has no code, makes no request and records no event`() =
        atPayment { collector, phone ->
            phone.upload()
            val (before, requests) = phone.journey.status() to collector.requests.size
            val call = phone.journey.callContext("112", "billing", CallScope.ONLY_THE_NUMBER)
            assertEquals("tel:112", call.dialString)
            assertEquals(listOf(null, null, null, null), listOf(call.token, call.code, call.spokenCode, call.linkParameter))
            assertEquals(emptyList<NamedValue>(), call.sipHeaders)
            val after = phone.journey.status()
            assertEquals(listOf(before.recorded, before.queued), listOf(after.recorded, after.queued))
            assertEquals(before.codes, after.codes)
            phone.upload()
            assertEquals(emptyList<JsonObject>(), collector.calls())
            assertEquals(requests, collector.requests.size)
        }

    @Test
    fun `a preview shows what a call of that scope would carry`() = atPayment { _, phone ->
        val journey = phone.journey
        val everything = journey.preview()
        assertEquals(journey.preview(CallScope.EVERYTHING), everything)
        assertEquals("customer-42", everything.customer)
        assertEquals(5, everything.steps.size)
        assertEquals(true, everything.uploadedBefore)

        val screen = journey.preview(CallScope.ONLY_THIS_SCREEN)
        assertNull(screen.customer)
        assertEquals(false, screen.uploadedBefore)
        val steps = listOf(StepKind.SCREEN_VIEW to "payment", StepKind.FAILURE to "payment_declined")
        assertEquals(steps, screen.steps.map { it.what to it.about })

        assertEquals(Preview(), journey.preview(CallScope.ONLY_THE_NUMBER))
    }
}
