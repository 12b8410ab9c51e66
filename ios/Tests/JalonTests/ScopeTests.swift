import Foundation
import Jalon
import Testing

/// A call carries what its customer lets it carry, and nothing beside.
struct ScopeTests {
    private let collector = FakeCollector(locators: ["412907384"])
    private let phone: Phone
    private var journey: Journey { phone.journey }

    init() {
        phone = Phone(collector.url).open()
        phone.journey.identify("customer-42")
        phone.journey.screen("cart")
        #expect(phone.upload())
        phone.journey.failure("out_of_stock")
        phone.journey.screen("payment")
        phone.journey.failure("payment_declined")
    }

    private func snapshot() throws -> JSON {
        #expect(phone.upload())
        #expect(collector.calls.count == 1)
        return try #require(collector.calls.first)
    }

    @Test func aCallCarriesEverythingUnlessItSaysOtherwise() throws {
        let call = try journey.callContext(number: "112", topic: "billing")
        #expect(call.code?.prefix(9) == "412907384")
        let snapshot = try snapshot()
        #expect(snapshot["call"]?["scope"]?.text == "everything")
        #expect(snapshot["customer"]?["id"]?.text == "customer-42")
    }

    @Test func aCallOfOnlyThisScreenSaysSoInItsCodeAndSendsWhatFailedOnThatScreen() throws {
        let call = try journey.callContext(number: "112", topic: "billing", scope: .onlyThisScreen)
        #expect(call.code?.prefix(9) == "412907385")
        let snapshot = try snapshot()
        #expect(snapshot["call"]?["scope"]?.text == "screen")
        #expect(snapshot["call"]?["screen"]?.text == "payment")
        #expect(snapshot["customer"]?["id"] == nil)
        let failures = snapshot["events"]?.list.map { $0["failure"]?["code"]?.text }
        #expect(failures == ["payment_declined"])
        for kept in ["cart", "customer-42", "out_of_stock"] {
            #expect(!"\(snapshot)".contains(kept))
        }
    }

    @Test func aCallOfNothingButTheNumberHasNoCodeMakesNoRequestAndRecordsNoEvent() throws {
        #expect(phone.upload())
        let (before, requests) = (journey.status(), collector.requests.count)
        let call = try journey.callContext(number: "112", topic: "billing", scope: .onlyTheNumber)
        #expect(call.dialString == "tel:112")
        #expect([call.token, call.code, call.spokenCode] == [nil, nil, nil])
        #expect(call.sipHeaders.isEmpty && call.linkParameter == nil)
        #expect(journey.callContext(scope: .onlyTheNumber).token == nil)
        let after = journey.status()
        #expect(after.recorded == before.recorded && after.queued == before.queued)
        #expect(after.codes == before.codes)
        #expect(phone.upload())
        #expect(collector.calls.isEmpty && collector.requests.count == requests)
    }

    @Test func aPreviewShowsWhatACallOfThatScopeWouldCarry() async {
        let everything = await journey.preview()
        #expect(await journey.preview(scope: .everything) == everything)
        #expect(everything.customer == "customer-42")
        #expect(everything.steps.count == 5 && everything.uploadedBefore)

        let screen = await journey.preview(scope: .onlyThisScreen)
        #expect(screen.customer == nil && !screen.uploadedBefore)
        #expect(screen.steps.map(\.what) == [.screenView, .failure])
        #expect(screen.steps.map(\.about) == ["payment", "payment_declined"])

        #expect(await journey.preview(scope: .onlyTheNumber) == Journey.Preview())
    }
}
