package com.example.shop

import android.app.Activity
import android.graphics.Color
import android.graphics.drawable.ColorDrawable
import android.view.Gravity
import android.view.View
import android.view.ViewGroup.LayoutParams.MATCH_PARENT
import android.view.ViewGroup.LayoutParams.WRAP_CONTENT
import android.widget.Button
import android.widget.LinearLayout
import android.widget.ScrollView
import android.widget.TextView

private const val MARGIN_DP = 16
private const val INK = 0xFF1B1F24.toInt()
private const val QUIET = 0xFF57606A.toInt()

/** Lays a screen out from top to bottom, in plain framework views. */
class Screen(private val activity: Activity) {
    private val column = LinearLayout(activity).apply {
        orientation = LinearLayout.VERTICAL
        val margin = dp(MARGIN_DP)
        setPadding(margin, margin, margin, margin)
    }

    init {
        val scroll = ScrollView(activity).apply {
            background = ColorDrawable(Color.WHITE)
            isFillViewport = true
            // From Android 15 a window reaches under the system's bars.
            fitsSystemWindows = true
            addView(column)
        }
        activity.setContentView(scroll)
    }

    fun title(text: String) = text(text, size = 24f, color = INK)

    fun text(text: String, size: Float = 16f, color: Int = QUIET): TextView = add(TextView(activity)) {
        this.text = text
        textSize = size
        setTextColor(color)
        setPadding(0, dp(4), 0, dp(4))
    }

    /** A row of a list, as high as a finger needs. */
    fun row(text: String, detail: String, onClick: () -> Unit): View = add(LinearLayout(activity)) {
        gravity = Gravity.CENTER_VERTICAL
        minimumHeight = dp(56)
        isClickable = true
        contentDescription = "$text, $detail"
        addView(label(text, INK), LinearLayout.LayoutParams(0, WRAP_CONTENT, 1f))
        addView(label(detail, QUIET))
        setOnClickListener { onClick() }
    }

    fun button(text: String, onClick: () -> Unit): Button = add(Button(activity)) {
        this.text = text
        setOnClickListener { onClick() }
    }

    fun <T : View> add(view: T, with: T.() -> Unit = {}): T {
        view.with()
        column.addView(view, LinearLayout.LayoutParams(MATCH_PARENT, WRAP_CONTENT))
        return view
    }

    private fun label(text: String, color: Int) = TextView(activity).apply {
        this.text = text
        textSize = 16f
        setTextColor(color)
    }

    private fun dp(value: Int) = (value * activity.resources.displayMetrics.density).toInt()
}
