package jalon.android

import android.content.Context
import android.util.AttributeSet
import android.view.View
import android.view.accessibility.AccessibilityNodeInfo
import android.view.accessibility.AccessibilityNodeInfo.AccessibilityAction
import android.widget.Button

/** The least height and width a finger needs, in dp (Android's accessibility guidelines). */
private const val TOUCH_DP = 48

/**
 * A "call us" button, ready to use: warms the call's connection when it comes on screen, opens the
 * dialer with the code at a tap, and at a long press shows the customer what the agent will see.
 *
 * Looks as the app's theme has buttons look. Set [number] in code; without one, or with a number
 * that is none, a tap does nothing but a line in the log. Without a journey it dials the number alone.
 */
public class CallUsButton @JvmOverloads constructor(
    context: Context,
    attributes: AttributeSet? = null,
    style: Int = android.R.attr.buttonStyle,
) : Button(context, attributes, style) {
    /** The number to call, such as `+33 1 23 45 67 89`. */
    public var number: String = ""

    /** What the call is about, in the app's words. */
    public var topic: String? = null

    /** The journey that the call carries; by default the one that the app has opened. */
    public var journey: Journey? = null
        get() = field ?: Opening.current

    /** Hears what became of a tap. On the main thread. */
    public var onCall: ((CallOutcome) -> Unit)? = null

    init {
        val touch = (TOUCH_DP * resources.displayMetrics.density).toInt()
        minimumHeight = touch
        minimumWidth = touch
        if (text.isNullOrEmpty()) text = texts().callUs
        setOnClickListener { call() }
        setOnLongClickListener { preview() }
    }

    override fun onAttachedToWindow() {
        super.onAttachedToWindow()
        warm()
    }

    override fun onVisibilityChanged(changedView: View, visibility: Int) {
        super.onVisibilityChanged(changedView, visibility)
        if (isAttachedToWindow) warm()
    }

    override fun onInitializeAccessibilityNodeInfo(info: AccessibilityNodeInfo) {
        super.onInitializeAccessibilityNodeInfo(info)
        val action = AccessibilityNodeInfo.ACTION_LONG_CLICK
        info.addAction(AccessibilityAction(action, texts().previewAction))
    }

    /** As a tap. */
    private fun call() {
        val journey = journey
        if (journey == null) Lines.warn("a call carries nothing: open the journey first")
        val outcome = harmless({ CallOutcome.NO_DIALER }) { Dialer.call(journey, context, number, topic) }
        onCall?.invoke(outcome)
    }

    private fun preview(): Boolean = harmless({ false }) {
        val journey = journey ?: return false
        val activity = activityOf(context) ?: return false
        Dialer.preview(journey, activity)
        true
    }

    private fun warm() {
        if (isShown) journey?.prepareCall()
    }

    private fun texts() = journey?.texts ?: CallTexts()
}
