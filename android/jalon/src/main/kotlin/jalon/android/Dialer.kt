package jalon.android

import android.app.Activity
import android.app.AlertDialog
import android.app.Application
import android.app.Dialog
import android.content.Context
import android.content.ContextWrapper
import android.content.Intent
import android.net.Uri
import android.os.Bundle
import java.lang.ref.WeakReference

/** What became of a tap on "call us". */
public enum class CallOutcome {
    /** The dialer is open, with the number and the code. */
    DIALING,

    /** There is no dialer; the customer was told the number and the code, where there was an Activity. */
    NO_DIALER,

    /** The number is not a phone number: 3 to 15 digits, with an optional leading `+`. Nothing happened. */
    NOT_A_NUMBER,
}

/** The characters that people write between digits. */
private const val SEPARATORS = " -.()/\u00a0\u202f"

private val NUMBER = Regex("\\+?[0-9]{3,15}")

/** A call without context, where the core cannot be reached: the call itself still works. */
internal fun numberAlone(number: String?): CallContext {
    val digits = number.orEmpty().filterNot { it in SEPARATORS }
    return CallContext(dialString = if (NUMBER.matches(digits)) "tel:$digits" else null)
}

/** The Activity that a view's context stands for, if it stands for one. */
internal fun activityOf(context: Context): Activity? {
    var at: Context? = context
    while (at is ContextWrapper && at !is Activity) at = at.baseContext
    return at as? Activity
}

/** Opens the phone's dialer, and tells the customer what to do where there is none. */
internal object Dialer {
    fun call(
        journey: Journey?,
        context: Context,
        number: String?,
        topic: String?,
        scope: CallScope,
    ): CallOutcome {
        // A null from Java is an invalid number; to the core it would be a call without one.
        val wanted = number.orEmpty()
        val call = journey?.callContext(wanted, topic, scope) ?: numberAlone(wanted)
        val dial = call.dialString ?: return CallOutcome.NOT_A_NUMBER
        val intent = Intent(Intent.ACTION_DIAL, Uri.parse(dial))
        val activity = activityOf(context)
        if (activity == null) intent.addFlags(Intent.FLAG_ACTIVITY_NEW_TASK)
        return try {
            // Asking first whether there is a dialer would need package visibility.
            context.startActivity(intent)
            CallOutcome.DIALING
        } catch (_: RuntimeException) {
            // No dialer (ActivityNotFoundException), or one that may not be opened from here.
            JourneyLog.info("this device has no dialer, or the app may not open it")
            val texts = journey?.texts ?: CallTexts()
            if (activity != null) explain(activity, texts, texts.explain(wanted, call.spokenCode))
            CallOutcome.NO_DIALER
        }
    }

    private fun explain(activity: Activity, texts: CallTexts, message: String) = harmless {
        val dialog = AlertDialog.Builder(activity)
            .setTitle(texts.noDialerTitle)
            .setMessage(message)
            .setPositiveButton(texts.close, null)
        show(dialog, activity)
    }
}

/** Shows a dialog over an Activity that still exists, and dismisses it with the Activity. */
internal fun show(builder: AlertDialog.Builder, activity: Activity) {
    if (activity.isFinishing || activity.isDestroyed) return
    val dismiss = DismissWithActivity(activity, builder.show())
    activity.application.registerActivityLifecycleCallbacks(dismiss)
}

/** Dismisses a dialog with its Activity; otherwise its window would leak. */
private class DismissWithActivity(
    activity: Activity,
    private val dialog: Dialog,
) : Application.ActivityLifecycleCallbacks {
    private val behind = WeakReference(activity)

    override fun onActivityDestroyed(activity: Activity) = harmless {
        val gone = behind.get()
        if (gone != null && gone !== activity) return@harmless
        if (gone != null) dialog.dismiss()
        activity.application.unregisterActivityLifecycleCallbacks(this)
    }

    override fun onActivityCreated(activity: Activity, savedInstanceState: Bundle?): Unit = Unit

    override fun onActivityStarted(activity: Activity): Unit = Unit

    override fun onActivityResumed(activity: Activity): Unit = Unit

    override fun onActivityPaused(activity: Activity): Unit = Unit

    override fun onActivityStopped(activity: Activity): Unit = Unit

    override fun onActivitySaveInstanceState(activity: Activity, outState: Bundle): Unit = Unit
}
