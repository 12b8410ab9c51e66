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

    /**
     * The number is not a phone number: 3 to 15 digits, with an optional leading `+`. Nothing was
     * dialled; the customer was told the number as it stands, where there was an Activity.
     */
    NOT_A_NUMBER,
}

private val NUMBER = Regex("\\+?[0-9]{3,15}")

/** The `(0` of `+33 (0)1 23`, which is not always dialled: the core knows when, this file does not. */
private val BRACKETED_ZERO = Regex("[0-9]\\)?\\(0")

/** What people write between digits, and what comes along unseen when a number is copied. */
private fun isBetween(c: Char) =
    c.isWhitespace() || c in "./\u2212" ||
        c.category == CharCategory.DASH_PUNCTUATION || c.category == CharCategory.FORMAT

/**
 * A call without context, where the core cannot be reached: the call itself still works. Reads numbers
 * as the core does, or refuses them.
 */
internal fun numberAlone(number: String?): CallContext {
    val read = buildString {
        for (c in number.orEmpty()) {
            when {
                isBetween(c) -> Unit
                c == '\uff0b' -> append('+')
                c.isDigit() -> append(Character.digit(c, 10))
                else -> append(c)
            }
        }
    }
    val digits = read.filterNot { it in "()" }
    val isNumber = NUMBER.matches(digits) && !BRACKETED_ZERO.containsMatchIn(read)
    return CallContext(dialString = if (isNumber) "tel:$digits" else null)
}

/** The Activity that a view's context stands for, if it stands for one. */
internal fun activityOf(context: Context): Activity? {
    var at: Context? = context
    while (at is ContextWrapper && at !is Activity) at = at.baseContext
    return at as? Activity
}

/** Opens the phone's dialer, and tells the customer what to do where that cannot be. */
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
        val activity = activityOf(context)
        val texts = journey?.texts ?: CallTexts()
        val dial = call.dialString
        if (dial == null) {
            JourneyLog.warn("a call was not placed: give it a phone number")
            // A person can often still read it.
            if (activity != null && wanted.isNotBlank()) {
                explain(activity, texts, texts.callUs, texts.explain(wanted, null))
            }
            return CallOutcome.NOT_A_NUMBER
        }
        val intent = Intent(Intent.ACTION_DIAL, Uri.parse(dial))
        if (activity == null) intent.addFlags(Intent.FLAG_ACTIVITY_NEW_TASK)
        return try {
            // Asking first whether there is a dialer would need package visibility.
            context.startActivity(intent)
            CallOutcome.DIALING
        } catch (_: RuntimeException) {
            // No dialer (ActivityNotFoundException), or one that may not be opened from here.
            JourneyLog.info("this device has no dialer, or the app may not open it")
            if (activity != null) {
                explain(activity, texts, texts.noDialerTitle, texts.explain(wanted, call.spokenCode))
            }
            CallOutcome.NO_DIALER
        }
    }

    private fun explain(activity: Activity, texts: CallTexts, title: String, message: String) = harmless {
        val dialog = AlertDialog.Builder(activity)
            .setTitle(title)
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
