import Foundation
import Jalon
import Testing

/// What Swift records is on the wire what Rust would have put there: the vectors are shared.
struct EventsTests {
    private static let galaxy = Journey.Product(
        id: "1004856", name: "Galaxy A10", category: "electronics.smartphone", brand: "samsung",
        price: Journey.Price(minor: 13_076, currency: "EUR"))

    /// In the order of the vectors; the SDK's own events come by their calls.
    private func record(_ journey: Journey) {
        journey.screen("home")
        journey.screen("cart")
        journey.screen("product/{id}")
        journey.record(.productView(Self.galaxy))
        journey.record(.search(query: "tente 2\u{a0}places", results: 12))
        journey.record(.search())
        journey.record(.cartChange(Journey.Product(id: "1"), delta: -2))
        let total = Journey.Price(minor: -5, currency: "JPY")
        journey.record(.order(Journey.Order(id: "A-1", status: "placed", total: total)))
        journey.failure("payment_declined")
        journey.record(.custom("size", values: ["eu": 42.5, "fits": true, "note": "a\"b"]))
        journey.identify("c-1")
        journey.identify(nil)
        journey.allowLocation(true)
        journey.setLocation(latitude: 48.8512, longitude: 2.3499)
        journey.screen(String(repeating: "x", count: 200))
    }

    /// A vector without what differs by moment: when, in which session, on which screen.
    private func bare(_ event: JSON) -> JSON {
        let moment = ["seq", "at", "session", "previous", "dwell_ms"]
        return event.without(event["type"]?.text == "screen_view" ? moment : moment + ["screen"])
    }

    @Test func everyEventTypeHasOnTheWireExactlyWhatTheSharedVectorsSay() throws {
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = root.appendingPathComponent("tests/fixtures/wire/events.jsonl")
        let vectors = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
            .compactMap { JSON.read(Data($0.utf8)) }
            .map(bare)
            .filter { $0["type"]?.text != "call" }
        #expect(vectors.count > 10)
        let collector = FakeCollector()
        let phone = Phone(collector.url).open(recordSearchQueries: true)
        record(phone.journey)
        #expect(phone.upload())
        let sent = collector.events.map(bare)
        for vector in vectors { #expect(sent.contains(vector)) }
        #expect(sent.count == vectors.count + 2)
    }

    @Test func eventsArriveInTheOrderOfTheCallsWithTheScreenTheyHappenedOn() {
        let collector = FakeCollector()
        let phone = Phone(collector.url).open()
        record(phone.journey)
        #expect(phone.upload())
        let events = collector.events
        let kinds = events.map { $0["type"]?.text }
        #expect(
            kinds == [
                "screen_view", "screen_view", "screen_view", "product_view", "search", "search",
                "cart_change", "order", "failure", "custom", "customer", "customer", "location",
                "screen_view",
            ])
        guard events.count == 14 else { return }
        #expect(events[3]["screen"]?.text == "product/{id}")
        #expect(events[2]["previous"]?.text == "cart")
        // Nobody allowed what is typed into a search.
        #expect(events[4]["query"] == nil)
        let header = collector.requests.compactMap(\.body).first
        #expect(header?["sdk"]?.text == "jalon-ios/0.1.0")
        #expect(header?["app"]?["os"]?.text?.isEmpty == false)
    }

    @Test func shortFormsRecordWhatTheEventsTheyStandForWould() {
        let collector = FakeCollector()
        let phone = Phone(collector.url).open()
        let price = Journey.Price(minor: 13_076, currency: "EUR")
        phone.journey.product(
            "1004856", name: "Galaxy A10", category: "electronics.smartphone", brand: "samsung",
            price: price)
        phone.journey.record(.productView(Self.galaxy))
        phone.journey.failure("out_of_stock", screen: "cart")
        phone.journey.record(.failure("out_of_stock", screen: "cart"))
        #expect(phone.upload())
        let sent = collector.events.map(bare)
        #expect(sent.count == 4 && sent[0] == sent[1] && sent[2] == sent[3])
    }

    @Test func anyTextArrivesAsItWas() {
        let texts = ["日本語の画面", "écran", "👩‍👩‍👧‍👦🇫🇷", "a\u{0}b\u{7f}", "\"\\\n\t", "e\u{301}", "שלום"]
        let collector = FakeCollector()
        let phone = Phone(collector.url).open()
        for text in texts { phone.journey.record(.productView(id: "1", name: text)) }
        #expect(phone.upload())
        let names = collector.events.map { $0["product"]?["name"]?.text }
        #expect(names.map { $0.map { Array($0.unicodeScalars) } } == texts.map { Array($0.unicodeScalars) })
    }

    @Test func limitsCutOrDropAndSaySo() async {
        let collector = FakeCollector()
        let phone = Phone(collector.url).open()
        let journey = phone.journey
        journey.product("1", name: String(repeating: "é", count: 200))
        journey.record(.search(results: -1))
        journey.record(.search(results: .max))
        journey.record(.cartChange(Journey.Product(id: "1"), delta: .max))
        journey.record(.custom("many", values: .init(uniqueKeysWithValues: (1...17).map { ("\($0)", 1) })))
        journey.record(.custom("nan", values: ["a": .number(.nan)]))
        journey.record(.productView(id: "1", price: Journey.Price(minor: 1, currency: "euro")))
        _ = await journey.preview()
        #expect(journey.status().dropped.tooLarge == 1)
        #expect(journey.status().dropped.invalid == 2)
        #expect(phone.upload())
        let events = collector.events
        #expect(events.count == 4)
        // At most 256 bytes, between two characters.
        #expect(events.first?["product"]?["name"]?.text?.utf8.count == 256)
        #expect(events.first?["cut"]?.list.isEmpty == false)
    }
}
