package jalon.android

import jalon.android.support.FakeCollector
import jalon.android.support.Phone
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

/** Texts of every kind cross whole, within their limits. */
class TextsTest {
    private fun recorded(vararg names: String): List<String> = FakeCollector().use { collector ->
        Phone(collector.url).open().use { phone ->
            names.forEach { name -> phone.journey.record(Event.ProductView(Product("1", name))) }
            phone.upload()
            collector.events.map { it["product"].asJsonObject["name"].asString }
        }
    }

    @Test
    fun `every script and every plane crosses as it is`() {
        val names = arrayOf("Crème brûlée", "Ελλάδα", "日本語", "🛒👩‍👩‍👧", "\u0000\u0001\"\\/", "a\u2028b", "")
        assertEquals(names.toList(), recorded(*names))
    }

    @Test
    fun `a lone surrogate becomes the replacement character`() {
        val names = arrayOf("a\uD83Db", "a\uDED2b", "\uD83D", "\uDED2\uD83D", "\uD83D\uDED2\uD83D")
        val expected = listOf("a\uFFFDb", "a\uFFFDb", "\uFFFD", "\uFFFD\uFFFD", "🛒\uFFFD")
        assertEquals(expected, recorded(*names))
    }

    @Test
    fun `random texts cross as UTF-8 would have them`() {
        val random = java.util.Random(1)
        val names = List(300) {
            String(CharArray(random.nextInt(40)) { random.nextInt(0x10000).toChar() })
        }
        val expected = names.map { name ->
            val whole = StringBuilder()
            var at = 0
            while (at < name.length) {
                val point = name.codePointAt(at)
                at += Character.charCount(point)
                if (point in 0xD800..0xDFFF) whole.append('\uFFFD') else whole.appendCodePoint(point)
            }
            whole.toString()
        }
        assertEquals(expected, recorded(*names.toTypedArray()))
    }

    @Test
    fun `a long text is cut at a whole character and the event says so`() {
        FakeCollector().use { collector ->
            Phone(collector.url).open().use { phone ->
                phone.journey.screen("é".repeat(100))
                phone.journey.product("1", "x".repeat(3_000_000))
                phone.upload()
                val (screen, product) = collector.events
                assertEquals("é".repeat(64), screen["screen"].asString)
                assertEquals("screen", screen["cut"].asJsonArray.single().asString)
                assertEquals(256, product["product"].asJsonObject["name"].asString.length)
                assertEquals("product.name", product["cut"].asJsonArray.single().asString)
            }
        }
    }

    @Test
    fun `what is larger than an event may be is dropped and counted`() {
        FakeCollector().use { collector ->
            Phone(collector.url).open().use { phone ->
                val many = (1..17).associate { "key$it" to Value.Flag(true) }
                phone.journey.record(Event.Custom("many", many))
                phone.journey.record(Event.Custom("far too many", (1..5_000).associate { "k$it" to Value.Flag(true) }))
                // 16 texts within their limit, each six times as long in JSON.
                val escaped = (1..16).associate { "key$it" to Value.Text("\u0001".repeat(256)) }
                phone.journey.record(Event.Custom("escaped", escaped))
                phone.upload()
                assertEquals(3L, phone.journey.status().dropped.tooLarge)
                assertTrue(collector.events.isEmpty())
            }
        }
    }

    @Test
    fun `numbers cross at their limits, and one that is none is invalid`() {
        FakeCollector().use { collector ->
            Phone(collector.url).open().use { phone ->
                val journey = phone.journey
                journey.record(Event.CartChange(Product("1", price = Price(Long.MIN_VALUE, "EUR")), Int.MIN_VALUE))
                journey.record(Event.Search(results = Int.MAX_VALUE))
                // A list cannot have fewer than none.
                journey.record(Event.Search(results = -1))
                journey.record(Event.Custom("size", mapOf("eu" to Value.Number(Double.NaN))))
                journey.record(Event.ProductView(Product("1", price = Price(1, "euro"))))
                phone.upload()
                val (cart, most, none) = collector.events
                assertEquals(Int.MIN_VALUE, cart["delta"].asInt)
                assertEquals(Long.MIN_VALUE, cart["product"].asJsonObject["price"].asJsonObject["minor"].asLong)
                assertEquals(Int.MAX_VALUE, most["results"].asInt)
                assertEquals(0, none["results"].asInt)
                assertEquals(2L, journey.status().dropped.invalid)
            }
        }
    }
}
