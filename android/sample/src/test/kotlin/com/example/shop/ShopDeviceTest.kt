package com.example.shop

import android.app.Activity
import android.app.AlertDialog
import android.app.Dialog
import android.content.Intent
import android.graphics.Bitmap
import android.graphics.Canvas
import android.os.Looper
import android.view.View
import android.view.ViewGroup
import android.widget.TextView
import com.google.gson.JsonObject
import jalon.test.RealCollector
import java.io.File
import org.junit.AfterClass
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.BeforeClass
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric.buildActivity
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowAlertDialog

/**
 * The whole way: a customer taps through the shop and calls; the agent who resolves the code that
 * was dialled sees exactly what was tapped. The real library and the real collector.
 *
 * Touches the app by what its manifest and its screen show, so that it also runs on classes that
 * R8 has shrunk and renamed.
 */
@RunWith(RobolectricTestRunner::class)
@Config(application = ShopApplication::class)
class ShopDeviceTest {
    private val screenshots = File(System.getProperty("jalon.screenshots")!!).apply { mkdirs() }

    @Test
    fun `the agent sees what the customer tapped`() {
        val list = buildActivity(ListActivity::class.java).setup()
        photograph(list, "1-list")
        photograph(ShadowAlertDialog.getLatestDialog().window!!.decorView, "2-consent")
        (ShadowAlertDialog.getLatestDialog() as AlertDialog).getButton(AlertDialog.BUTTON_POSITIVE).performClick()

        list.tap("Galaxy A10, 130,76\u00a0€")
        val product = next(ProductActivity::class.java, list)
        photograph(product, "3-product")
        product.tap("Add to cart")
        val cart = next(CartActivity::class.java, product)
        cart.tap("Pay")
        photograph(cart, "4-cart")
        assertTrue(cart.get().views().first { it.label() == "Call us" }.performLongClick())
        val preview = ShadowAlertDialog.getLatestDialog()
        await("a preview") { preview.says("The payment was declined\nOpened the cart\n") }
        photograph(preview.window!!.decorView, "5-preview")
        preview.tap("Only this screen")
        await("less of it") { preview.says("The payment was declined\nOpened the cart") }
        photograph(preview.window!!.decorView, "6-only-this-screen")
        preview.tap("Nothing but my number")
        await("nothing") { preview.says("Nothing: the call carries only your number.") }
        preview.tap("Everything I did here")
        (preview as AlertDialog).getButton(AlertDialog.BUTTON_NEGATIVE).performClick()

        // Codes come with the first upload, over loopback; then back to where the customer was.
        cart.pause().stop()
        await("call codes") {
            list.restart().resume()
            list.get().text("Journey:").contains("5 call codes").also { list.pause().stop() }
        }
        cart.restart().resume()
        cart.tap("Call us")
        (ShadowAlertDialog.getLatestDialog() as AlertDialog).getButton(AlertDialog.BUTTON_POSITIVE).performClick()
        idle()
        val dialled = shadowOf(RuntimeEnvironment.getApplication()).nextStartedActivity
        assertEquals(Intent.ACTION_DIAL, dialled.action)
        val (number, code) = dialled.dataString!!.removePrefix("tel:").split(",,")
        assertEquals("+33123456789", number)
        // The dialer covers the app, which uploads what waits.
        cart.pause().stop()

        var context = collector.resolve(code)
        await("the picture is whole") {
            context = collector.resolve(code)
            context["freshness"].asJsonObject["state"].asString == "live"
        }
        assertEquals("payment", context["call"].asJsonObject["topic"].asString)
        assertEquals("cart", context["last_screen"].asJsonObject["name"].asString)
        assertEquals("payment_declined", context["failure"].asJsonObject["code"].asString)
        val first = listOf("screen_view home", "screen_view product/{id}", "product_view product/{id}") +
            listOf("cart_change product/{id}", "screen_view cart", "failure cart")
        val steps = context["steps"].asJsonArray.map { it.asJsonObject }.map { step ->
            "${step["type"].asString} ${step["screen"].asString}"
        }
        assertEquals(first, steps.take(first.size))
        assertEquals("screen_view cart", steps.last { it.startsWith("screen_view") })
        val seen = context["products"].asJsonArray.single().asJsonObject
        assertEquals("Galaxy A10", seen["name"].asString)
        assertEquals(13_076, seen["price"].asJsonObject["minor"].asInt)
        assertEquals(0, context["freshness"].asJsonObject["missing"].asInt)
    }

    private fun <T : Activity> next(type: Class<T>, from: ActivityController<*>): ActivityController<T> {
        val intent = shadowOf(from.get()).nextStartedActivity
        assertEquals(type.name, intent.component!!.className)
        from.pause()
        val controller = buildActivity(type, intent).setup()
        from.stop()
        return controller
    }

    private fun ActivityController<*>.tap(label: String) {
        val view = get().views().firstOrNull { it.label() == label }
        checkNotNull(view) { "no $label among ${get().views().mapNotNull { it.label() }}" }
        assertTrue(label, view.performClick())
    }

    private fun Dialog.tap(label: String) {
        window!!.decorView.all().first { it.label() == label }.performClick()
    }

    private fun Dialog.says(start: String): Boolean {
        idle()
        return window!!.decorView.all().any { it.label()?.startsWith(start) == true }
    }

    private fun Activity.text(start: String) = views().mapNotNull { it.label() }.first { it.startsWith(start) }

    private fun View.label(): String? = (contentDescription ?: (this as? TextView)?.text)?.toString()

    private fun Activity.views(): List<View> = window.decorView.all()

    private fun View.all(): List<View> {
        val group = this as? ViewGroup ?: return listOf(this)
        return listOf(this) + (0 until group.childCount).flatMap { group.getChildAt(it).all() }
    }

    private fun photograph(controller: ActivityController<*>, name: String) {
        controller.visible()
        photograph(controller.get().window.decorView, name)
    }

    private fun photograph(view: View, name: String) {
        val bitmap = Bitmap.createBitmap(maxOf(view.width, 1), maxOf(view.height, 1), Bitmap.Config.ARGB_8888)
        view.jumpDrawablesToCurrentState()
        view.draw(Canvas(bitmap))
        File(screenshots, "$name.png").outputStream().use { bitmap.compress(Bitmap.CompressFormat.PNG, 100, it) }
    }

    private fun idle() = shadowOf(Looper.getMainLooper()).idle()

    private fun await(what: String, condition: () -> Boolean) {
        val deadline = System.nanoTime() + 30_000_000_000
        while (!condition()) {
            check(System.nanoTime() < deadline) { "$what: it never came" }
            Thread.yield()
        }
    }

    companion object {
        private lateinit var collector: RealCollector

        @JvmStatic
        @BeforeClass
        fun start() {
            collector = RealCollector.start()
            System.setProperty("shop.endpoint", collector.url)
            System.setProperty("shop.writeKey", collector.writeKey)
        }

        @JvmStatic
        @AfterClass
        fun stop() = collector.close()
    }
}

private fun RealCollector.resolve(code: String): JsonObject = resolve("code", code, "call-1")
