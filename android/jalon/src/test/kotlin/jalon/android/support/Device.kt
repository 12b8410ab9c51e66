package jalon.android.support

import android.app.Activity
import android.app.AlertDialog
import android.app.Application
import android.os.Bundle
import android.os.Looper
import android.widget.LinearLayout
import android.widget.TextView
import jalon.android.CallUsButton
import jalon.android.Configuration
import jalon.android.Consent
import jalon.android.Journey
import jalon.android.OpenJourneys
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf

/** The app of a device test, and the journey that its `Application.onCreate` would open. */
internal class Device(private val endpoint: String) : AutoCloseable {
    val app: Application = RuntimeEnvironment.getApplication()

    fun open(configure: Configuration.() -> Unit = {}): Journey =
        Journey.open(app, "wk_test", endpoint) {
            consent = Consent.GRANTED
            configure()
        }

    /** Ends the process as far as the library knows, and not in good order. */
    override fun close() {
        OpenJourneys.current?.close()
    }
}

/** Another thread of the library posts to the main looper. */
internal fun <T : Any> await(what: () -> T?): T {
    val deadline = System.nanoTime() + 10_000_000_000
    while (true) {
        shadowOf(Looper.getMainLooper()).idle()
        what()?.let { return it }
        check(System.nanoTime() < deadline) { "it never came" }
        Thread.yield()
    }
}

/** What a dialog says. */
internal fun messageOf(dialog: AlertDialog) =
    dialog.findViewById<TextView>(android.R.id.message)!!.text.toString()

/** What a dialog says the agent will see. */
internal fun seenIn(dialog: AlertDialog) =
    dialog.findViewById<TextView>(android.R.id.text1)!!.text.toString()

open class ListActivity : Activity()

class ProductDetailActivity : Activity() {
    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        // As many apps do, before they are started.
        OpenJourneys.current?.product("1")
    }
}

/** As a layout would give it. */
private const val BUTTON = 1

class HelpActivity : Activity() {
    lateinit var button: CallUsButton

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        button = CallUsButton(this).apply {
            id = BUTTON
            number = "+33 1 23 45 67 89"
        }
        setContentView(LinearLayout(this).apply { addView(button) })
    }
}
