package com.example.shop

import android.app.Activity
import android.graphics.Color
import android.os.Bundle
import android.view.View
import jalon.android.CallUsButton

private const val ALARM = 0xFFB3261E.toInt()

/** With an id a view keeps its state when the phone is turned: here, what the customer chose. */
private const val CALL_US = 1

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
        // Warms the call's connection; shows at a tap what the agent will see, lets the customer
        // choose how much that is, and dials with the code.
        screen.add(CallUsButton(this)) {
            id = CALL_US
            number = HELP_LINE
            topic = "payment"
            asksFirst = true
        }
    }
}
