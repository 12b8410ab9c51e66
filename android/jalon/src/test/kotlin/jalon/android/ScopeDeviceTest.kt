package jalon.android

import android.app.AlertDialog
import android.content.Intent
import android.os.Bundle
import android.view.View
import android.view.ViewGroup
import android.widget.RadioButton
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

/** The customer in control: what the button's call carries, and the choice of it. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35])
class ScopeDeviceTest {
    private val collector = FakeCollector().apply { locators = listOf("412907384") }
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

    private fun latest() = ShadowAlertDialog.getLatestDialog() as AlertDialog

    private fun choices(dialog: AlertDialog) =
        dialog.window!!.decorView.all().filterIsInstance<RadioButton>()

    private fun choose(dialog: AlertDialog, label: String) =
        choices(dialog).single { it.text.toString() == label }.performClick()

    private fun View.all(): List<View> {
        val group = this as? ViewGroup ?: return listOf(this)
        return listOf(this) + (0 until group.childCount).flatMap { group.getChildAt(it).all() }
    }

    /** The screen of the button, after another, with a code ready to dial. */
    private fun atHelp() = buildActivity(HelpActivity::class.java).apply {
        journey.screen("cart")
        check(journey.uploadAndWait(60_000))
        setup().visible()
        journey.failure("payment_declined")
    }

    @Test
    fun `a button that shares only this screen dials the odd locator and sends that screen`() {
        val button = atHelp().get().button
        button.scope = CallScope.ONLY_THIS_SCREEN
        button.performClick()
        val code = started()!!.dataString!!.substringAfter(",,")
        assertEquals("412907385", code.take(9))
        check(journey.uploadAndWait(60_000))
        val call = collector.calls().single()
        assertEquals("screen", call["call"].asJsonObject["scope"].asString)
        assertFalse(call.toString(), "cart" in call.toString())
    }

    @Test
    fun `a button with nothing but the number dials that alone, and warms no connection`() {
        val button = CallUsButton(device.app)
        button.number = "+33 1 23 45 67 89"
        button.scope = CallScope.ONLY_THE_NUMBER
        val activity = buildActivity(android.app.Activity::class.java).setup().visible().get()
        activity.setContentView(button)
        val before = journey.status().recorded
        button.performClick()
        assertEquals("tel:+33123456789", started()!!.dataString)
        assertEquals(before, journey.status().recorded)
        // The worker does what it was asked in turn.
        check(journey.uploadAndWait(60_000))
        assertEquals(emptyList<String>(), collector.requests.map { it.first }.filter { it in NOTICES })
        // Who wants to share again has the connection.
        button.scope = CallScope.EVERYTHING
        await { collector.requests.firstOrNull { it.first == "/healthz" } }
    }

    @Test
    fun `where there is no dialer, nothing but the number is told without a code`() {
        val button = atHelp().get().button
        button.scope = CallScope.ONLY_THE_NUMBER
        shadowOf(device.app).checkActivities(true)
        button.performClick()
        assertEquals("Call +33 1 23 45 67 89 from a phone.", messageOf(latest()))
    }

    @Test
    fun `a long press lets the customer choose, shows what that carries, and calls so`() {
        val button = atHelp().get().button
        button.performLongClick()
        val dialog = latest()
        val labels = listOf("Everything I did here", "Only this screen", "Nothing but my number")
        assertEquals(labels, choices(dialog).map { it.text.toString() })
        assertEquals(listOf(true, false, false), choices(dialog).map { it.isChecked })
        val failed = "Something went wrong: payment_declined\nOpened Help"
        val everything = "$failed\nOpened cart\n\nThe agent also sees what you did before."
        assertEquals(everything, await { seenIn(dialog).ifEmpty { null } })
        choose(dialog, "Only this screen")
        assertEquals(failed, await { seenIn(dialog).ifEmpty { null } })
        choose(dialog, "Nothing but my number")
        val nothing = await { seenIn(dialog).ifEmpty { null } }
        assertEquals("Nothing: the call carries only your number.", nothing)
        assertNull("nobody has called yet", started())
        dialog.getButton(AlertDialog.BUTTON_POSITIVE).performClick()
        assertEquals("tel:+33123456789", await { started() }.dataString)
    }

    @Test
    fun `a choice stands while the button does, also when its activity is made anew`() {
        val first = atHelp()
        first.get().button.performLongClick()
        choose(latest(), "Only this screen")
        latest().getButton(AlertDialog.BUTTON_NEGATIVE).performClick()
        assertEquals(CallScope.ONLY_THIS_SCREEN, first.get().button.scope)
        val saved = Bundle()
        first.pause().saveInstanceState(saved).stop().destroy()
        val next = buildActivity(HelpActivity::class.java).setup(saved)
        assertEquals(CallScope.ONLY_THIS_SCREEN, next.get().button.scope)
        next.get().button.performClick()
        assertTrue(started()!!.dataString!!.startsWith("tel:+33123456789,,412907385"))
    }

    @Test
    fun `a button that asks first calls from its question alone`() {
        val button = atHelp().get().button
        button.asksFirst = true
        button.performClick()
        assertNull(started())
        latest().getButton(AlertDialog.BUTTON_NEGATIVE).performClick()
        assertNull(started())
        button.performClick()
        latest().getButton(AlertDialog.BUTTON_POSITIVE).performClick()
        assertTrue(await { started() }.dataString!!.startsWith("tel:+33123456789,,412907384"))
        // With no journey there is nothing to ask, and the customer gets through all the same.
        device.close()
        button.performClick()
        assertEquals("tel:+33123456789", started()!!.dataString)
    }

    @Test
    fun `each choice is large enough to touch, and a screen reader tells what it changes`() {
        val button = atHelp().get().button
        button.performLongClick()
        val dialog = latest()
        val touch = 48 * button.resources.displayMetrics.density
        for (choice in choices(dialog)) {
            choice.measure(View.MeasureSpec.UNSPECIFIED, View.MeasureSpec.UNSPECIFIED)
            assertTrue(choice.measuredHeight >= touch)
        }
        val message = dialog.findViewById<View>(android.R.id.text1)!!
        assertEquals(View.ACCESSIBILITY_LIVE_REGION_POLITE, message.accessibilityLiveRegion)
    }

    @Test
    fun `the choices are in the app's own words`() {
        device.close()
        journey = device.open {
            texts.everything = "Tout"
            texts.onlyThisScreen = "Cet écran"
            texts.onlyTheNumber = "Rien que mon numéro"
        }
        atHelp().get().button.performLongClick()
        val labels = listOf("Tout", "Cet écran", "Rien que mon numéro")
        assertEquals(labels, choices(latest()).map { it.text.toString() })
    }
}

/** What tells of a call. */
private val NOTICES = setOf("/healthz", "/v1/calls")
