import Jalon
import SwiftUI

/// A small shop, as an app uses Jalon. The shop of the Android sample.
@main
struct ShopApp: App {
    private let journey: Journey

    init() {
        var configuration = Journey.Configuration()
        configuration.texts.step = inCustomersWords
        journey = Journey(
            writeKey: "jalon_write_the_key_of_this_app", endpoint: "https://calls.example.com",
            configuration: configuration)
        // Needs two entries in Info.plist: see docs/ios.md. Without them it only logs that they are missing.
        Journey.registerBackgroundUpload()
    }

    var body: some Scene {
        WindowGroup {
            NavigationView { HomeScreen() }.environment(\.journey, journey)
        }
    }
}

/// What "call us" shows before it calls, in the words of this shop.
@Sendable private func inCustomersWords(_ step: Journey.PreviewStep) -> String {
    let screens = ["home": "the shop", "product/{id}": "a product", "cart": "the cart"]
    switch step.what {
    case .screenView: return "Opened \(screens[step.about ?? ""] ?? step.about ?? "a screen")"
    case .failure: return "The payment was declined"
    default: return Journey.CallTexts().step(step)
    }
}
