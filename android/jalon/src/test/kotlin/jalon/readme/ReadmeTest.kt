package jalon.readme

import jalon.android.support.FakeCollector
import jalon.android.support.Phone
import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

/** The README's Kotlin compiles and does what it says. */
class ReadmeTest {
    @Test
    fun `every sample of the README is compiled here`() {
        val snippets = File("src/test/kotlin/jalon/readme/Snippets.kt").readText()
        val samples = Regex("```kotlin\n(.*?)```", RegexOption.DOT_MATCHES_ALL)
            .findAll(File("../../README.md").readText())
            .map { it.groupValues[1] }
            // Gradle's is a script.
            .filterNot { "gradle" in it }
            .toList()
        assertTrue(samples.size >= 5)
        for (sample in samples) assertTrue("not compiled:\n$sample", sample in snippets)
    }

    @Test
    fun `the samples record what they say`() {
        FakeCollector().use { collector ->
            Phone(collector.url).open(consent = null).use { phone ->
                journey = phone.journey
                customerAgreed(journey)
                customerLooksAt(journey)
                ProductFragment().onStart()
                JourneyScreen(journey, "cart")
                assertEquals(setOf("User-to-User", "X-Jalon-Context"), headersOf(journey).keys)
                phone.upload()
                val expected = listOf("customer", "product_view", "screen_view", "screen_view", "call")
                assertEquals(expected, collector.events.map { it["type"].asString })
            }
        }
    }
}
