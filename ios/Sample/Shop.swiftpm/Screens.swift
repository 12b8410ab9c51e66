import Jalon
import SwiftUI

/// What the shop sells. Asks the customer once whether the journey may be kept.
struct HomeScreen: View {
    @Environment(\.journey) private var journey
    @State private var isAsking = false

    var body: some View {
        List(catalogue) { item in
            NavigationLink {
                ProductScreen(item: item)
            } label: {
                VStack {
                    Text(verbatim: item.name)
                    Text(verbatim: item.price)
                }
            }
        }
        .navigationTitle("Shop")
        .journeyScreen("home")
        .onAppear { isAsking = journey?.status().consent == .unknown }
        .alert("Better help when you call?", isPresented: $isAsking) {
            Button("Allow") { journey?.setConsent(.granted) }
            Button("No") { journey?.setConsent(.denied) }
        } message: {
            Text("If you call us, our agent can see the screens and products you looked at here.")
        }
    }
}

/// One product.
struct ProductScreen: View {
    let item: Item
    @Environment(\.journey) private var journey

    var body: some View {
        VStack(spacing: 16) {
            Text(verbatim: item.brand)
            Text(verbatim: item.price)
            Button("Add to cart") {
                journey?.record(.cartChange(item.product, delta: 1))
            }
            NavigationLink {
                CartScreen(item: item)
            } label: {
                Text("Cart")
            }
        }
        .padding()
        .navigationTitle(item.name)
        .journeyScreen("product/{id}")
        // The screen is a pattern; which product it showed, only the app knows.
        .onAppear { journey?.record(.productView(item.product)) }
    }
}

/// The cart, where paying goes wrong in this shop, and "call us" helps.
struct CartScreen: View {
    let item: Item
    @Environment(\.journey) private var journey
    @State private var isDeclined = false

    var body: some View {
        VStack(spacing: 16) {
            Text(verbatim: "\(item.name), \(item.price)")
            Button("Pay") {
                journey?.failure("payment_declined")
                isDeclined = true
            }
            if isDeclined {
                Text("Your bank declined the payment.")
            }
            // Shows at a tap what the agent will see, and lets the customer choose how much that is.
            CallUsButton(helpLine, topic: "payment", asksFirst: true)
        }
        .padding()
        .navigationTitle("Cart")
        .journeyScreen("cart")
    }
}
