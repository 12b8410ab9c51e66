package com.example.shop

import android.app.Activity
import android.content.Intent
import android.os.Bundle
import jalon.android.Event

/** One product. */
class ProductActivity : Activity() {
    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        val item = item(intent.getStringExtra("id"))
        // The screen was recorded by itself; which product it showed, only the app knows.
        if (savedInstanceState == null) shop.journey.record(Event.ProductView(item.product))

        val screen = Screen(this)
        screen.title(item.name)
        screen.text(item.brand)
        screen.text(item.price, size = 20f)
        screen.button("Add to cart") {
            shop.cart += item
            shop.journey.record(Event.CartChange(item.product, delta = 1))
            startActivity(Intent(this, CartActivity::class.java))
        }
    }
}
