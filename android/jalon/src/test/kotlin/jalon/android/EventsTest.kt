package jalon.android

import com.google.gson.JsonObject
import com.google.gson.JsonParser
import jalon.android.support.FakeCollector
import jalon.android.support.Phone
import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Test

/** What Kotlin records is on the wire what Rust would have put there: the vectors are shared. */
class EventsTest {
    private val galaxy = Product(
        id = "1004856",
        name = "Galaxy A10",
        category = "electronics.smartphone",
        brand = "samsung",
        price = Price(13_076, "EUR"),
    )

    /** In the order of the vectors; the SDK's own events come by their calls. */
    private fun record(journey: Journey) {
        journey.screen("home")
        journey.screen("cart")
        journey.screen("product/{id}")
        journey.record(Event.ProductView(galaxy))
        journey.record(Event.Search("tente 2\u00a0places", 12))
        journey.record(Event.Search())
        journey.record(Event.CartChange(Product("1"), delta = -2))
        journey.record(Event.Order(Order("A-1", "placed", Price(-5, "JPY"))))
        journey.failure("payment_declined")
        val values = mapOf("eu" to Value.Number(42.5), "fits" to Value.Flag(true), "note" to Value.Text("a\"b"))
        journey.record(Event.Custom("size", values))
        journey.identify("c-1")
        journey.identify(null)
        journey.allowLocation(true)
        journey.setLocation(48.8512, 2.3499)
        journey.screen("x".repeat(200))
    }

    /** The vectors without what differs by moment: when, in which session, on which screen. */
    private fun JsonObject.bare() = deepCopy().apply {
        listOf("seq", "at", "session", "previous", "dwell_ms").forEach(::remove)
        if (get("type").asString != "screen_view") remove("screen")
    }

    private val vectors = File("../../tests/fixtures/wire/events.jsonl").readLines()
        .map { line -> JsonParser.parseString(line).asJsonObject.bare() }
        .filter { it["type"].asString != "call" }

    @Test
    fun `every event type has on the wire exactly what the shared vectors say`() {
        FakeCollector().use { collector ->
            Phone(collector.url).open(recordSearchQueries = true).use { phone ->
                record(phone.journey)
                phone.upload()
                val sent = collector.events.map { it.bare() }
                for (vector in vectors) {
                    assertEquals("$vector in $sent", true, vector in sent)
                }
                assertEquals(vectors.size + 2, sent.size)
            }
        }
    }

    @Test
    fun `events arrive in the order of the calls, with the screen they happened on`() {
        FakeCollector().use { collector ->
            Phone(collector.url).open().use { phone ->
                record(phone.journey)
                phone.upload()
                val events = collector.events
                val kinds = events.map { it["type"].asString }
                val expected = listOf("screen_view", "screen_view", "screen_view", "product_view", "search") +
                    listOf("search", "cart_change", "order", "failure", "custom", "customer", "customer") +
                    listOf("location", "screen_view")
                assertEquals(expected, kinds)
                assertEquals("product/{id}", events[3]["screen"].asString)
                assertEquals("cart", events[2]["previous"].asString)
                // Nobody allowed what is typed into a search.
                assertEquals(null, events[4]["query"])
                val header = collector.requests.first { (_, body) -> body != null }.second!!
                assertEquals("com.example.shop", header["app"].asJsonObject["id"].asString)
                assertEquals("jalon-android/test", header["sdk"].asString)
            }
        }
    }

    @Test
    fun `short forms record what the events they stand for would`() {
        FakeCollector().use { collector ->
            Phone(collector.url).open().use { phone ->
                val journey = phone.journey
                journey.product("1004856", "Galaxy A10", "electronics.smartphone", "samsung", Price(13_076, "EUR"))
                journey.record(Event.ProductView(galaxy))
                journey.failure("out_of_stock", "cart")
                journey.record(Event.Failure("out_of_stock", "cart"))
                phone.upload()
                val (product, productEvent, failure, failureEvent) = collector.events.map { it.bare() }
                assertEquals(productEvent, product)
                assertEquals(failureEvent, failure)
            }
        }
    }

    @Test
    fun `events are equal when their content is`() {
        assertEquals(Event.ProductView(galaxy), Event.ProductView(galaxy))
        assertEquals(Event.Search("a").hashCode(), Event.Search("a").hashCode())
        assertEquals(false, Event.Search("a") == Event.Search("b"))
        // No content reaches a log by accident.
        assertEquals(false, galaxy.toString().contains("Galaxy"))
    }
}
