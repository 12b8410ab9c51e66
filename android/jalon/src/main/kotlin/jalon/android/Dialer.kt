package jalon.android

import android.app.Activity
import android.app.AlertDialog
import android.content.ActivityNotFoundException
import android.content.Context
import android.content.Intent
import android.net.Uri

/** What became of a tap on "call us". */
public enum class CallOutcome {
    /** The dialer is open, with the number and the code. */
    DIALING,

    /** There is no dialer; the customer was told the number and the code, where there was an Activity. */
    NO_DIALER,

    /** The number to call is none: 3 to 15 digits, perhaps after a `+`. Nothing happened. */
    NOT_A_NUMBER,
}

/** A call without context: the customer gets through all the same. */
internal fun numberAlone(number: String?): CallContext {
    val digits = number.orEmpty().filter { it.isDigit() || it == '+' }
    return CallContext(dialString = if (digits.isEmpty()) null else "tel:$digits")
}

/** Hands calls to the phone's dialer, and tells the customer what to do where there is none. */
internal object Dialer {
    fun call(journey: Journey, context: Context, number: String, topic: String?): CallOutcome {
        val call = journey.callContext(number, topic)
        val dial = call.dialString ?: return CallOutcome.NOT_A_NUMBER
        val intent = Intent(Intent.ACTION_DIAL, Uri.parse(dial))
        if (context !is Activity) intent.addFlags(Intent.FLAG_ACTIVITY_NEW_TASK)
        return try {
            // Asking first whether there is a dialer would need package visibility.
            context.startActivity(intent)
            CallOutcome.DIALING
        } catch (_: ActivityNotFoundException) {
            Lines.info("there is no dialer on this device")
            if (context is Activity) explain(context, journey.texts, number, call.spokenCode)
            CallOutcome.NO_DIALER
        }
    }

    private fun explain(activity: Activity, texts: CallTexts, number: String, code: String?) {
        val message =
            if (code == null) texts.noDialer(number) else texts.noDialerWithCode(number, code)
        show(activity, texts.noDialerTitle, message, texts.close)
    }

    /** Shows what the agent will see. Asks on a thread of its own. */
    fun preview(journey: Journey, activity: Activity) {
        val work = Runnable {
            val text = describe(journey.preview(), journey.texts)
            activity.runOnUiThread {
                show(activity, journey.texts.previewTitle, text, journey.texts.close)
            }
        }
        Thread(work, "jalon-preview").start()
    }

    private fun describe(preview: Preview, texts: CallTexts): String {
        val steps = preview.steps.asReversed().map { step -> texts.step(step) }
        val lines = listOfNotNull(preview.customer) + steps
        val more = if (preview.uploadedBefore) listOf("", texts.uploadedBefore) else emptyList()
        return (lines + more).joinToString("\n").trim().ifEmpty { texts.nothingToSee }
    }

    private fun show(activity: Activity, title: String, message: String, close: String) = harmless {
        if (activity.isFinishing || activity.isDestroyed) return@harmless
        AlertDialog.Builder(activity)
            .setTitle(title)
            .setMessage(message)
            .setPositiveButton(close, null)
            .show()
    }
}
