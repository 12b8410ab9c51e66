package com.example.shop

import android.app.Activity
import android.graphics.Color
import android.os.Bundle
import android.view.View
import jalon.android.CallUsButton

private const val ALARM = 0xFFB3261E.toInt()

/** The cart, where paying goes wrong, as it does in every sample; and the way to a person. */
class CartActivity : Activity() {
    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        val screen = Screen(this)
        screen.title("Cart")
        if (shop.cart.isEmpty()) screen.text("Nothing here yet.")
        for (item in shop.cart) screen.text("${item.name}, ${item.price}", color = Color.BLACK)

        val trouble = screen.text("Your bank declined the payment.", color = ALARM)
        trouble.visibility = View.GONE
        trouble.accessibilityLiveRegion = View.ACCESSIBILITY_LIVE_REGION_POLITE
        screen.button("Pay") {
            trouble.visibility = View.VISIBLE
            // What the customer saw go wrong, by a code that the agent's side has words for.
            shop.journey.failure("payment_declined")
        }
        // Warms the call's connection, dials with the code, and shows at a long press what the agent
        // will see.
        screen.add(CallUsButton(this)) {
            number = HELP_LINE
            topic = "payment"
        }
    }
}
