// The Kotlin samples of docs/android.md, word for word; ReadmeTest compares the two.

package jalon.readme.android

import android.app.Activity
import android.app.Application
import android.content.Intent
import android.net.Uri
import android.os.Bundle
import android.view.View
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.fragment.app.Fragment
import jalon.android.CallUsButton
import jalon.android.Consent
import jalon.android.Journey
import jalon.android.Price

lateinit var journey: Journey

class ProductActivity : Activity()

class ShopApplication : Application() {
    lateinit var journey: Journey

    override fun onCreate() {
        super.onCreate()
        journey = Journey.open(this, writeKey = "jalon_write_…", endpoint = "https://calls.example.com") {
            screenName = { if (it is ProductActivity) "product/{id}" else it.javaClass.simpleName }
        }
    }
}

fun customerAgreed(journey: Journey) {
    journey.setConsent(Consent.GRANTED) // remembered; until then nothing is written
    journey.identify("customer-42")
}

fun customerLooksAt(journey: Journey) {
    journey.product(id = "1004856", name = "Galaxy A10", price = Price(13_076, "EUR"))
}

fun customerTapsCallUs(journey: Journey, activity: Activity) {
    journey.call(activity, "+33 1 23 45 67 89") // opens the dialer, with the code
}

class ProductFragment : Fragment() {
    override fun onViewCreated(view: View, savedInstanceState: Bundle?) {
        journey.screen("product/{id}")
    }
}

@Composable
fun JourneyScreen(journey: Journey, name: String) {
    LaunchedEffect(name) { journey.screen(name) }
}

fun callUsButton(activity: Activity) = CallUsButton(activity).apply {
    number = "+33 1 23 45 67 89"
    topic = "payment"
    asksFirst = true // a tap shows what the agent will see, and lets the customer choose
}

fun callAndKeepTheCode(journey: Journey, activity: Activity): String? {
    val call = journey.callContext("+33 1 23 45 67 89")
    call.dialString?.let { activity.startActivity(Intent(Intent.ACTION_DIAL, Uri.parse(it))) }
    return call.spokenCode // 412 907 385 217 6
}

fun headersOf(journey: Journey): Map<String, String> =
    journey.callContext().sipHeaders.associate { it.name to it.value }
