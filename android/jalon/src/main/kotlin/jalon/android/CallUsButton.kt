package jalon.android

import android.content.Context
import android.os.Bundle
import android.os.Parcelable
import android.util.AttributeSet
import android.view.View
import android.view.accessibility.AccessibilityNodeInfo
import android.view.accessibility.AccessibilityNodeInfo.AccessibilityAction
import android.widget.Button

/** The least height and width a finger needs, in dp (Android's accessibility guidelines). */
internal const val TOUCH_DP = 48

internal fun dp(context: Context, value: Int): Int =
    (value * context.resources.displayMetrics.density).toInt()

/** What a saved state holds: the view's own, and the customer's choice. */
private const val VIEW = "view"
private const val SCOPE = "scope"

/**
 * A "call us" button, ready to use: opens the call's connection when it is shown, opens the
 * dialer with the code at a tap, and at a long press shows the customer what the agent will see and
 * lets the customer choose how much that is.
 *
 * It has the look of the app's theme. Set [number] in code; if it is not a phone number, a tap shows it
 * to the customer as it stands and writes a line to the log; if it is missing, a tap only writes the line.
 * Without a journey it dials the number alone.
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

    /**
     * What the customer lets the call carry. The customer's choice at a long press is set here, and
     * lasts as long as the button; with an `id`, also when the Activity is recreated. With
     * [CallScope.ONLY_THE_NUMBER] the button dials no code and opens no connection.
     */
    public var scope: CallScope = CallScope.EVERYTHING
        set(value) {
            field = value
            if (isAttachedToWindow) warm()
        }

    /**
     * Whether a tap first shows what the agent will see, with the choice, and calls from there.
     * Outside an Activity, and without a journey, there is nothing to ask and a tap calls at once.
     */
    public var asksFirst: Boolean = false

    /** The journey that the call carries; by default the one that the app has opened. */
    public var journey: Journey? = null
        get() = field ?: OpenJourneys.current

    /** Called with the outcome of each call, on the main thread. */
    public var onCall: ((CallOutcome) -> Unit)? = null

    init {
        val touch = dp(context, TOUCH_DP)
        minimumHeight = touch
        minimumWidth = touch
        if (text.isNullOrEmpty()) text = texts().callUs
        setOnClickListener { if (!asksFirst || !preview()) call() }
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

    override fun onSaveInstanceState(): Parcelable = Bundle().apply {
        putParcelable(VIEW, super.onSaveInstanceState())
        putInt(SCOPE, scope.ordinal)
    }

    override fun onRestoreInstanceState(state: Parcelable?) {
        val saved = state as? Bundle ?: return super.onRestoreInstanceState(state)
        CallScope.entries.getOrNull(saved.getInt(SCOPE, -1))?.let { scope = it }
        @Suppress("DEPRECATION") // Its replacement exists only from Android 13 on.
        super.onRestoreInstanceState(saved.getParcelable(VIEW))
    }

    override fun onInitializeAccessibilityNodeInfo(info: AccessibilityNodeInfo) {
        super.onInitializeAccessibilityNodeInfo(info)
        val action = AccessibilityNodeInfo.ACTION_LONG_CLICK
        info.addAction(AccessibilityAction(action, texts().previewAction))
    }

    private fun call() {
        val journey = journey
        if (journey == null) JourneyLog.warn("a call carries nothing: open the journey first")
        val outcome = harmless({ CallOutcome.NO_DIALER }) {
            Dialer.call(journey, context, number, topic, scope)
        }
        onCall?.invoke(outcome)
    }

    private fun preview(): Boolean = harmless({ false }) {
        val journey = journey ?: return false
        val activity = activityOf(context) ?: return false
        PreviewDialog(journey, activity, scope, onChoice = { scope = it }, onCall = ::call).show()
        true
    }

    private fun warm() {
        if (isShown && scope != CallScope.ONLY_THE_NUMBER) journey?.prepareCall()
    }

    private fun texts() = journey?.texts ?: CallTexts()
}
