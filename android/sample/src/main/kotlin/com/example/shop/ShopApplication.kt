package com.example.shop

import android.app.Activity
import android.app.Application
import android.content.Context
import jalon.android.CallTexts
import jalon.android.Journey
import jalon.android.StepKind

/** Opens the journey: the one place an app needs to, and the first. */
class ShopApplication : Application() {
    lateinit var journey: Journey
        private set

    /** What the customer put into the cart. */
    val cart = mutableListOf<Item>()

    override fun onCreate() {
        super.onCreate()
        journey = Journey.open(
            context = this,
            writeKey = setting("writeKey", "jalon_write_the_key_of_this_app"),
            endpoint = setting("endpoint", "https://calls.example.com"),
        ) {
            screenName = ::routeOf
            texts.inCustomersWords()
        }
    }

    /** A test points the app at a collector of its own. */
    private fun setting(name: String, otherwise: String) = System.getProperty("shop.$name") ?: otherwise
}

/** Screens in the words that the collector knows them by: route patterns, never ids. */
private fun routeOf(activity: Activity): String? = when (activity) {
    is ListActivity -> "home"
    is ProductActivity -> "product/{id}"
    is CartActivity -> "cart"
    else -> null
}

/** What "call us" shows before it calls, in the words of this shop. */
private fun CallTexts.inCustomersWords() {
    val plain = step
    val screens = mapOf("home" to "the shop", "product/{id}" to "a product", "cart" to "the cart")
    step = { taken ->
        when (taken.what) {
            StepKind.SCREEN_VIEW -> "Opened ${screens[taken.about] ?: taken.about}"
            StepKind.FAILURE -> "The payment was declined"
            else -> plain(taken)
        }
    }
}

/** The app, from any of its Activities. */
val Context.shop: ShopApplication
    get() = applicationContext as ShopApplication
