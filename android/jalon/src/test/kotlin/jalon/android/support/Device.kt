package jalon.android.support

import android.app.Activity
import android.app.Application
import android.os.Bundle
import android.widget.LinearLayout
import jalon.android.CallUsButton
import jalon.android.Configuration
import jalon.android.Consent
import jalon.android.Journey
import jalon.android.Opening
import org.robolectric.RuntimeEnvironment

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
        Opening.current?.close()
    }
}

open class ListActivity : Activity()

class ProductDetailActivity : Activity() {
    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        // As many apps do, before they are started.
        Opening.current?.product("1")
    }
}

class HelpActivity : Activity() {
    lateinit var button: CallUsButton

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        button = CallUsButton(this).apply { number = "+33 1 23 45 67 89" }
        setContentView(LinearLayout(this).apply { addView(button) })
    }
}
