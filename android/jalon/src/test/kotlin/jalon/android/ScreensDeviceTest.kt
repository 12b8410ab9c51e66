package jalon.android

import android.content.res.Configuration.ORIENTATION_LANDSCAPE
import jalon.android.support.Device
import jalon.android.support.FakeCollector
import jalon.android.support.ListActivity
import jalon.android.support.ProductDetailActivity
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric.buildActivity
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config

/** Activities are screens by themselves, each once for each time it comes up. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35])
class ScreensDeviceTest {
    private val collector = FakeCollector()
    private val device = Device(collector.url)

    private fun recorded(): List<String> {
        check(OpenJourneys.current!!.uploadAndWait(60_000))
        return collector.events.map { event ->
            if (event["type"].asString == "screen_view") event["screen"].asString else event["type"].asString
        }
    }

    @After
    fun end() {
        device.close()
        collector.close()
    }

    @Test
    fun `an activity that comes up is a screen, before what it records in onCreate`() {
        device.open()
        buildActivity(ListActivity::class.java).setup()
        buildActivity(ProductDetailActivity::class.java).setup()
        assertEquals(listOf("List", "ProductDetail", "product_view"), recorded())
    }

    @Test
    fun `coming back is a screen again, a dialog in front is not`() {
        device.open()
        val list = buildActivity(ListActivity::class.java).setup()
        // A dialog or a permission: paused, not stopped.
        list.pause().resume()
        val product = buildActivity(ProductDetailActivity::class.java).create()
        list.pause()
        product.start().resume()
        list.stop()
        product.pause()
        list.restart().resume()
        product.stop().destroy()
        assertEquals(listOf("List", "ProductDetail", "product_view", "List"), recorded())
    }

    @Test
    fun `a rotation is no new screen`() {
        device.open()
        val list = buildActivity(ListActivity::class.java).setup()
        val turned = android.content.res.Configuration(list.get().resources.configuration)
        turned.orientation = ORIENTATION_LANDSCAPE
        list.configurationChange(turned)
        list.recreate()
        assertEquals(listOf("List"), recorded())
        list.pause().stop().restart().resume()
        assertEquals(listOf("List", "List"), recorded())
    }

    @Test
    fun `an activity that turned while another was shown is a screen when it comes back`() {
        device.open()
        val list = buildActivity(ListActivity::class.java).setup()
        list.pause()
        val product = buildActivity(ProductDetailActivity::class.java).setup()
        list.stop()
        product.recreate()
        product.pause()
        // Only now the system makes the one below anew.
        list.recreate()
        product.stop().destroy()
        assertEquals(listOf("List", "ProductDetail", "product_view", "product_view", "List"), recorded())
    }

    @Test
    fun `back from an activity that let this one shine through is a screen again`() {
        device.open()
        val list = buildActivity(ListActivity::class.java).setup()
        list.pause()
        val product = buildActivity(ProductDetailActivity::class.java).setup()
        product.pause()
        list.resume()
        product.stop().destroy()
        assertEquals(listOf("List", "ProductDetail", "product_view", "List"), recorded())
    }

    @Test
    fun `an activity that comes back after its process was killed is a screen`() {
        device.open()
        val state = android.os.Bundle()
        buildActivity(ListActivity::class.java).setup().pause().stop().saveInstanceState(state)
        // The process is gone, and with it the activity; the system makes both anew.
        device.close()
        device.open()
        buildActivity(ListActivity::class.java).create(state).start().restoreInstanceState(state).resume()
        assertEquals(listOf("List", "List"), recorded())
    }

    @Test
    fun `back from the background the customer is where they were, once`() {
        val journey = device.open()
        val list = buildActivity(ListActivity::class.java).setup()
        list.pause().stop().restart().resume()
        journey.screen("cart")
        list.pause().stop().restart().resume()
        assertEquals(listOf("List", "List", "cart", "cart"), recorded())
    }

    @Test
    fun `without automatic screens, too, coming back says where the customer is`() {
        val journey = device.open { automaticScreens = false }
        val list = buildActivity(ListActivity::class.java).setup()
        journey.screen("cart")
        list.pause().stop().restart().resume()
        assertEquals(listOf("cart", "cart"), recorded())
    }

    @Test
    fun `an activity from before the opening that goes takes nothing to the background`() {
        val list = buildActivity(ListActivity::class.java).setup()
        device.open()
        list.pause()
        val product = buildActivity(ProductDetailActivity::class.java).setup()
        list.stop()
        product.pause()
        buildActivity(ListActivity::class.java).setup()
        assertEquals(listOf("ProductDetail", "product_view", "List"), recorded())
    }

    @Test
    fun `the app names its screens, and leaves some out`() {
        device.open {
            screenName = { activity -> if (activity is ProductDetailActivity) "product/{id}" else null }
        }
        buildActivity(ListActivity::class.java).setup()
        buildActivity(ProductDetailActivity::class.java).setup()
        assertEquals(listOf("product/{id}", "product_view"), recorded())
    }

    @Test
    fun `a name mapper that fails costs a screen and nothing else`() {
        device.open { screenName = { error("a mistake of the app's") } }
        buildActivity(ListActivity::class.java).setup()
        buildActivity(ProductDetailActivity::class.java).setup()
        assertEquals(listOf("product_view"), recorded())
    }

    @Test
    fun `automatic screens can be turned off`() {
        val journey = device.open { automaticScreens = false }
        buildActivity(ListActivity::class.java).setup()
        journey.screen("list")
        assertEquals(listOf("list"), recorded())
    }
}
