package jalon.android

import android.app.AlertDialog
import android.content.ContextWrapper
import android.content.Intent
import android.view.View
import android.view.accessibility.AccessibilityNodeInfo
import jalon.android.support.Device
import jalon.android.support.FakeCollector
import jalon.android.support.HelpActivity
import jalon.android.support.await
import jalon.android.support.messageOf
import jalon.android.support.seenIn
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric.buildActivity
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowAlertDialog
import org.robolectric.shadows.ShadowLog
import org.robolectric.shadows.ShadowLooper

/** "Call us": from the tap to the dialer, and what happens where there is none. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35])
class CallUsDeviceTest {
    private val collector = FakeCollector()
    private val device = Device(collector.url)
    private lateinit var journey: Journey

    @Before
    fun open() {
        journey = device.open()
    }

    @After
    fun end() {
        device.close()
        collector.close()
    }

    private fun started(): Intent? = shadowOf(device.app).nextStartedActivity

    @Test
    fun `a call opens the dialer with the number, and asks for no permission`() {
        val activity = buildActivity(HelpActivity::class.java).setup().get()
        assertEquals(CallOutcome.DIALING, journey.call(activity, "+33 1 23 45 67 89", "billing"))
        val intent = started()!!
        assertEquals(Intent.ACTION_DIAL, intent.action)
        assertEquals("tel:+33123456789", intent.dataString)
        assertEquals(0, intent.flags and Intent.FLAG_ACTIVITY_NEW_TASK)
        check(journey.uploadAndWait(60_000))
        val call = collector.calls().single()["call"].asJsonObject
        assertEquals("billing", call["topic"].asString)
    }

    @Test
    fun `a call from outside an activity gets a task of its own`() {
        assertEquals(CallOutcome.DIALING, journey.call(device.app, "112"))
        assertTrue(started()!!.flags and Intent.FLAG_ACTIVITY_NEW_TASK != 0)
    }

    @Test
    fun `a number that is none opens nothing`() {
        assertEquals(CallOutcome.NOT_A_NUMBER, journey.call(device.app, "call me"))
        assertNull(started())
    }

    @Test
    fun `a number that cannot be dialled is shown to the customer as it stands`() {
        val activity = buildActivity(HelpActivity::class.java).setup().get()
        assertEquals(CallOutcome.NOT_A_NUMBER, journey.call(activity, "0800 SHOP"))
        val dialog = ShadowAlertDialog.getLatestDialog() as AlertDialog
        assertEquals("Call 0800 SHOP from a phone.", messageOf(dialog))
        assertNull(started())
    }

    @Test
    fun `without a journey a number is read as the core reads it, or refused`() {
        val pasted = "\u202a+33\u00a01\u201123\u200e45\u202c"
        for (number in listOf("+33 1 23 45", pasted, "(0033) 1-23.45/67", "\uff0b٣٣ 123456")) {
            assertEquals(journey.callContext(number).dialString, numberAlone(number).dialString)
        }
        for (number in listOf("", "+", "12", "call me", "1+2345", "*100#", "+33 (0)1 23", "(0033) (0)1 23")) {
            assertNull(number, numberAlone(number).dialString)
        }
    }

    @Test
    fun `where there is no dialer the customer is told the number`() {
        val activity = buildActivity(HelpActivity::class.java).setup().get()
        shadowOf(device.app).checkActivities(true)
        assertEquals(CallOutcome.NO_DIALER, journey.call(activity, "+33 1 23 45 67 89"))
        val dialog = ShadowAlertDialog.getLatestDialog() as AlertDialog
        assertEquals("Call +33 1 23 45 67 89 from a phone.", messageOf(dialog))
        // From outside an Activity there is nothing to show it on.
        assertEquals(CallOutcome.NO_DIALER, journey.call(device.app, "112"))
    }

    @Test
    fun `where there is no dialer the customer is told the code to say`() {
        collector.locators = listOf("412907384")
        journey.screen("help")
        check(journey.uploadAndWait(60_000))
        val activity = buildActivity(HelpActivity::class.java).setup().get()
        shadowOf(device.app).checkActivities(true)
        // By way of a context that only wraps the Activity, as themes and injectors make them.
        assertEquals(CallOutcome.NO_DIALER, journey.call(ContextWrapper(activity), "112"))
        val message = messageOf(ShadowAlertDialog.getLatestDialog() as AlertDialog)
        assertTrue(message, Regex("Call 112 from a phone.*\n\n412 907 384 000 [0-9]").matches(message))
    }

    @Test
    fun `a message goes with its activity`() {
        val controller = buildActivity(HelpActivity::class.java).setup()
        shadowOf(device.app).checkActivities(true)
        journey.call(controller.get(), "112")
        assertTrue(ShadowAlertDialog.getLatestDialog().isShowing)
        controller.pause().stop().destroy()
        assertFalse(ShadowAlertDialog.getLatestDialog().isShowing)
    }

    @Test
    fun `words that fail cost the preview and nothing else`() {
        device.close()
        journey = device.open { texts = CallTexts().apply { step = { error("a mistake of the app's") } } }
        val activity = buildActivity(HelpActivity::class.java).setup().get()
        activity.button.performLongClick()
        await { ShadowLog.getLogsForTag("Jalon").firstOrNull() }
        assertEquals("", seenIn(ShadowAlertDialog.getLatestDialog() as AlertDialog))
    }

    @Test
    fun `the button warms the connection when it comes on screen, and calls at a tap`() {
        val controller = buildActivity(HelpActivity::class.java).setup().visible()
        val button = controller.get().button
        var outcome: CallOutcome? = null
        button.onCall = { outcome = it }
        assertEquals("Call us", button.text.toString())
        // The worker asks for the connection; a batch comes after what was asked before.
        journey.screen("help")
        check(journey.uploadAndWait(60_000))
        assertTrue(collector.requests.any { (path, _) -> path == "/healthz" })
        button.performClick()
        assertEquals(CallOutcome.DIALING, outcome)
        assertEquals("tel:+33123456789", started()!!.dataString)
    }

    @Test
    fun `a long press shows what the agent will see`() {
        val activity = buildActivity(HelpActivity::class.java).setup().get()
        journey.product("1", "Galaxy A10")
        journey.failure("payment_declined")
        assertTrue(activity.button.performLongClick())
        val dialog = ShadowAlertDialog.getLatestDialog() as AlertDialog
        val message = await { seenIn(dialog).ifEmpty { null } }
        val expected = "Something went wrong: payment_declined\nLooked at Galaxy A10\nOpened Help"
        // Whether something was uploaded before is told after that.
        assertEquals(expected, message.substringBefore("\n\n"))
    }

    @Test
    fun `an activity that is gone is shown nothing`() {
        val controller = buildActivity(HelpActivity::class.java).setup()
        controller.get().button.performLongClick()
        controller.pause().stop().destroy()
        ShadowLooper.idleMainLooper()
        assertFalse(ShadowAlertDialog.getLatestDialog().isShowing)
    }

    @Test
    fun `the button is large enough to touch, and says what a long press does`() {
        val button = buildActivity(HelpActivity::class.java).setup().get().button
        val touch = 48 * button.resources.displayMetrics.density
        button.measure(View.MeasureSpec.UNSPECIFIED, View.MeasureSpec.UNSPECIFIED)
        assertTrue(button.measuredHeight >= touch && button.measuredWidth >= touch)
        val info = button.createAccessibilityNodeInfo()
        assertEquals("android.widget.Button", info.className)
        assertTrue(info.isClickable)
        val press = info.actionList.single { it.id == AccessibilityNodeInfo.ACTION_LONG_CLICK }
        assertEquals("See what the agent will see", press.label)
    }

    @Test
    fun `the app's own words are used`() {
        device.close()
        device.open {
            texts = CallTexts().apply {
                callUs = "Appelez-nous"
                noDialer = { number -> "Composez le $number." }
            }
        }
        val activity = buildActivity(HelpActivity::class.java).setup().get()
        assertEquals("Appelez-nous", activity.button.text.toString())
        shadowOf(device.app).checkActivities(true)
        activity.button.performClick()
        val dialog = ShadowAlertDialog.getLatestDialog() as AlertDialog
        assertEquals("Composez le +33 1 23 45 67 89.", messageOf(dialog))
    }

    @Test
    fun `a button without a journey or a number does no harm`() {
        val button = buildActivity(HelpActivity::class.java).setup().get().button
        button.number = ""
        button.performClick()
        assertNull(started())
        device.close()
        assertFalse(button.performLongClick())
        // The customer gets through all the same.
        button.number = "+33 1 23 45 67 89"
        button.performClick()
        assertEquals("tel:+33123456789", started()!!.dataString)
    }
}
