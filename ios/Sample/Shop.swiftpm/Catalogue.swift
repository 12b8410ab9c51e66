import Foundation
import Jalon

/// The number on every "call us" of this shop.
let helpLine = "+33 1 23 45 67 89"

/// Something the shop sells.
struct Item: Identifiable, Sendable {
    let id: String
    let name: String
    let brand: String
    let category: String
    let cents: Int

    /// As the journey knows it.
    var product: Journey.Product {
        Journey.Product(
            id: id, name: name, category: category, brand: brand,
            price: Journey.Price(minor: cents, currency: "EUR"))
    }

    /// As the customer reads it.
    var price: String {
        let euros = Decimal(cents) / 100
        return euros.formatted(.currency(code: "EUR").locale(Locale(identifier: "fr_FR")))
    }
}

/// Everything the shop sells.
let catalogue = [
    Item(
        id: "1004856", name: "Galaxy A10", brand: "Samsung", category: "electronics.smartphone",
        cents: 13_076),
    Item(
        id: "1005115", name: "iPhone 11", brand: "Apple", category: "electronics.smartphone",
        cents: 97_557),
    Item(
        id: "4804056", name: "AirPods 2", brand: "Apple", category: "electronics.audio.headphone",
        cents: 16_154),
]
