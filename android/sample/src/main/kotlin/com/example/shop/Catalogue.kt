package com.example.shop

import jalon.android.Price
import jalon.android.Product
import java.text.NumberFormat
import java.util.Currency
import java.util.Locale

/** The number on every "call us" of this shop. */
const val HELP_LINE = "+33 1 23 45 67 89"

/** Something the shop sells. */
class Item(val id: String, val name: String, val brand: String, val category: String, val cents: Long) {
    /** As the journey knows it. */
    val product get() = Product(id, name, category, brand, Price(cents, CURRENCY))

    /** As the customer reads it. */
    val price: String
        get() = NumberFormat.getCurrencyInstance(Locale.FRANCE)
            .apply { currency = Currency.getInstance(CURRENCY) }
            .format(cents / 100.0)
}

private const val CURRENCY = "EUR"

/** Everything the shop sells. */
val catalogue = listOf(
    Item("1004856", "Galaxy A10", "Samsung", "electronics.smartphone", 13_076),
    Item("1005115", "iPhone 11", "Apple", "electronics.smartphone", 97_557),
    Item("1480613", "Pavilion desktop", "HP", "computers.desktop", 90_862),
    Item("3701134", "Robot vacuum X1", "Midea", "appliances.environment.vacuum", 16_999),
    Item("5100816", "Watch Active", "Xiaomi", "electronics.clocks", 3_058),
)

/** One of them. */
fun item(id: String?) = catalogue.first { it.id == id }
