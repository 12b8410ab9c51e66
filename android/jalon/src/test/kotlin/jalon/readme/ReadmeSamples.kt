// The Kotlin samples of README.md, word for word; ReadmeTest compares the two.

package jalon.readme

import android.app.Activity
import android.app.Application
import jalon.android.Consent
import jalon.android.Journey

class ShopApplication : Application() {
    lateinit var journey: Journey

    override fun onCreate() {
        super.onCreate()
        journey = Journey.open(this, writeKey = "jalon_write_…", endpoint = "https://calls.example.com")
    }
}

fun customerShops(journey: Journey, activity: Activity) {
    journey.setConsent(Consent.GRANTED) // once the customer agreed; until then events wait in memory
    journey.identify("customer-42")
    journey.product(id = "1004856", name = "Galaxy A10")
    journey.call(activity, "+33 1 23 45 67 89") // opens the dialer, with the code
}
