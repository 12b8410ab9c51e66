package com.example.shop

import android.app.Activity
import android.app.AlertDialog
import android.content.Intent
import android.os.Bundle
import android.widget.TextView
import jalon.android.Consent

/** What the shop sells. Asks the customer once whether the journey may be kept. */
class ListActivity : Activity() {
    private lateinit var state: TextView

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        val screen = Screen(this)
        screen.title("Shop")
        for (item in catalogue) {
            screen.row(item.name, item.price) {
                startActivity(Intent(this, ProductActivity::class.java).putExtra("id", item.id))
            }
        }
        screen.button("Cart") { startActivity(Intent(this, CartActivity::class.java)) }
        state = screen.text("", size = 12f)
        if (savedInstanceState == null && shop.journey.status().consent == Consent.UNKNOWN) ask()
    }

    override fun onResume() {
        super.onResume()
        // For the developer of a sample; an app shows its customers nothing of the kind.
        val status = shop.journey.status()
        state.text = status.problem ?: "Journey: ${status.queued} waiting, ${status.codes} call codes ready"
    }

    private fun ask() {
        AlertDialog.Builder(this)
            .setTitle("Better help when you call?")
            .setMessage("If you call us, our agent can see the screens and products you looked at here.")
            .setPositiveButton("Allow") { _, _ -> shop.journey.setConsent(Consent.GRANTED) }
            .setNegativeButton("No") { _, _ -> shop.journey.setConsent(Consent.DENIED) }
            .show()
    }
}
