package jalon.android

import android.app.Activity
import android.app.AlertDialog
import android.content.Context
import android.os.Handler
import android.os.Looper
import android.view.View
import android.widget.LinearLayout
import android.widget.RadioButton
import android.widget.RadioGroup
import android.widget.ScrollView
import android.widget.TextView
import java.lang.ref.WeakReference

/** What a dialog leaves free around its content, in dp (Material's guidelines). */
private const val MARGIN_DP = 24

/**
 * Shows the customer what the agent will see, and lets the customer choose how much that is.
 *
 * Appears immediately, with the choices and the button to call; what a call would carry is loaded on a
 * thread of its own at each choice. Main thread only.
 */
internal class PreviewDialog(
    private val journey: Journey,
    private val activity: Activity,
    private var chosen: CallScope,
    private val onChoice: (CallScope) -> Unit,
    private val onCall: () -> Unit,
) {
    private val texts = journey.texts
    private val builder = AlertDialog.Builder(activity)
    private val seen = TextView(builder.context).apply {
        id = android.R.id.text1
        // A screen reader says what the choice has changed.
        accessibilityLiveRegion = View.ACCESSIBILITY_LIVE_REGION_POLITE
    }

    fun show() {
        builder.setTitle(texts.previewTitle)
            .setView(content(builder.context))
            .setPositiveButton(texts.callUs) { _, _ -> onCall() }
            .setNegativeButton(texts.close, null)
        show(builder, activity)
        ask()
    }

    private fun content(context: Context): View {
        val margin = dp(context, MARGIN_DP)
        val column = LinearLayout(context).apply {
            orientation = LinearLayout.VERTICAL
            setPadding(margin, margin / 2, margin, 0)
            addView(choices(context))
            addView(seen.apply { setPadding(0, margin / 2, 0, 0) })
        }
        return ScrollView(context).apply { addView(column) }
    }

    private fun choices(context: Context) = RadioGroup(context).apply {
        for (scope in CallScope.entries) {
            val choice = RadioButton(context).apply {
                text = texts.choice(scope)
                minimumHeight = dp(context, TOUCH_DP)
            }
            // The group gives it the id that it checks by.
            addView(choice)
            if (scope == chosen) check(choice.id)
            // As easy to read as the choices: the theme has a paler colour for plain text.
            seen.setTextColor(choice.textColors)
            choice.setOnCheckedChangeListener { _, isChecked -> if (isChecked) choose(scope) }
        }
    }

    private fun choose(scope: CallScope) = harmless {
        chosen = scope
        onChoice(scope)
        seen.text = ""
        ask()
    }

    private fun ask() {
        val (journey, scope) = journey to chosen
        val behind = WeakReference(this)
        val ask = Runnable {
            harmless {
                val preview = journey.preview(scope)
                Handler(Looper.getMainLooper()).post { harmless { behind.get()?.tell(scope, preview) } }
            }
        }
        Thread(ask, "jalon-preview").start()
    }

    /** Ignores the answer to an earlier choice. */
    private fun tell(scope: CallScope, preview: Preview) {
        if (scope == chosen) seen.text = texts.describe(preview)
    }
}
