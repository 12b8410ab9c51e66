import Testing

@testable import Jalon

/// What the platform tells reaches the core.
struct PlatformTests {
    @Test func withoutANetworkNothingIsTriedUntilItIsBack() {
        let collector = FakeCollector()
        let phone = Phone(collector.url).open()
        phone.journey.setOnline(false)
        phone.journey.screen("home")
        #expect(!phone.upload())
        #expect(collector.events.isEmpty)
        phone.journey.setOnline(true)
        #expect(phone.upload())
        #expect(collector.events.count == 1)
    }

    @Test func backInFrontTheScreenThatWasShownIsRecordedAgain() {
        let collector = FakeCollector()
        let phone = Phone(collector.url).open()
        phone.journey.screen("cart")
        phone.journey.setForeground(false)
        phone.journey.setForeground(true)
        #expect(phone.upload())
        #expect(collector.events.map { $0["screen"]?.text } == ["cart", "cart"])
    }
}
