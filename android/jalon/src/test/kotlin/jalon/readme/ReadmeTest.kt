package jalon.readme

import jalon.android.support.FakeCollector
import jalon.android.support.Phone
import jalon.readme.android.JourneyScreen
import jalon.readme.android.customerAgreed
import jalon.readme.android.customerLooksAt
import jalon.readme.android.headersOf
import jalon.readme.android.journey
import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

/** The Kotlin in README.md and docs/ compiles and does what it says. */
class ReadmeTest {
    @Test
    fun `every sample of the papers is compiled here`() {
        val compiled = File("src/test/kotlin/jalon/readme").walk()
            .filter { it.name.endsWith("Samples.kt") }
            .joinToString("\n") { it.readText() }
        val pages = File("../..").listFiles().orEmpty().toList() +
            File("../../docs").walk().onEnter { it.name != "node_modules" }
        var count = 0
        for (page in pages.filter { it.extension == "md" }) {
            Regex("```kotlin\n(.*?)```", RegexOption.DOT_MATCHES_ALL).findAll(page.readText())
                .map { it.groupValues[1] }
                // Gradle's is a script.
                .filterNot { "gradle" in it }
                .forEach { sample ->
                    assertTrue("not compiled, of $page:\n$sample", sample in compiled)
                    count += 1
                }
        }
        assertTrue(count >= 5)
    }

    @Test
    fun `the samples record what they say`() {
        FakeCollector().use { collector ->
            Phone(collector.url).open(consent = null).use { phone ->
                journey = phone.journey
                customerAgreed(journey)
                customerLooksAt(journey)
                JourneyScreen(journey, "cart")
                assertEquals(setOf("User-to-User", "X-Jalon-Context"), headersOf(journey).keys)
                phone.upload()
                val expected = listOf("customer", "product_view", "screen_view", "call")
                assertEquals(expected, collector.events.map { it["type"].asString })
            }
        }
    }
}
