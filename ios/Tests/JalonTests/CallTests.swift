import Foundation
import Jalon
import Testing

/// The whole way with a real collector: what was recorded is what the agent sees.
@Suite(.serialized)
final class CallTests {
    private let collector: RealCollector

    init() throws {
        collector = try RealCollector()
    }

    private func phone(_ consent: Journey.Consent = .granted) -> Phone {
        Phone(collector.url).open(consent: consent, writeKey: collector.writeKey)
    }

    @Test func theAgentWhoResolvesTheCodeOfTheTelURLSeesWhatWasRecorded() throws {
        let phone = phone()
        let journey = phone.journey
        journey.identify("customer-42")
        journey.screen("home")
        journey.product(
            "1004856", name: "Galaxy A10", category: "electronics.smartphone", brand: "samsung",
            price: Journey.Price(minor: 13_076, currency: "EUR"))
        #expect(phone.upload())
        journey.failure("payment_declined", screen: "checkout")
        let call = try journey.callContext(number: "+33 1 23 45 67 89", topic: "billing")
        let code = try #require(call.code)
        let url = try #require(call.dialString.flatMap(URL.init(string:)))
        #expect(url.absoluteString == "tel:+33123456789,,\(code)")
        #expect(call.spokenCode?.replacingOccurrences(of: " ", with: "") == code)
        #expect(call.expiresInMs == 24 * 3_600_000)
        #expect(phone.upload())
        let dialled = String(try #require(url.absoluteString.split(separator: ",").last))
        let context = try #require(collector.resolve("code", dialled, callId: "call-1"))
        #expect(context["call"]?["token"]?.text == call.token)
        #expect(context["call"]?["topic"]?.text == "billing")
        #expect(context["customer"]?["id"]?.text == "customer-42")
        #expect(context["failure"]?["code"]?.text == "payment_declined")
        let steps = context["steps"]?.list.map { $0["type"]?.text ?? "" } ?? []
        #expect(
            steps.filter { $0 != "customer" && $0 != "call" } == [
                "screen_view", "product_view", "failure",
            ])
        #expect(context["freshness"]?["state"]?.text == "live")
    }

    @Test func theSampleOnTheCommandLineEndsInACallThatTheAgentSees() throws {
        let home = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: home) }
        let arguments = [collector.url, collector.writeKey, "+33 1 23 45 67 89"]
        let said = try Child.output(Child.built("jalon-sample"), arguments, home: home.path)
        let dialled = try #require(said.split(separator: "\n").first { $0.hasPrefix("dial tel:") })
        let code = String(try #require(dialled.split(separator: ",").last))
        let context = try #require(collector.resolve("code", code, callId: "sample"))
        #expect(context["customer"]?["id"]?.text == "customer-42")
        #expect(context["failure"]?["code"]?.text == "payment_declined")
        #expect(said.contains("queued 0"))
    }

    @Test func theTokenAloneFindsTheSameCallWithoutANumber() throws {
        let phone = phone()
        phone.journey.screen("chat")
        let call = phone.journey.callContext()
        #expect(call.dialString == nil)
        #expect(phone.upload())
        let token = try #require(call.token)
        let context = try #require(collector.resolve("token", token, callId: "chat-1"))
        #expect(context["last_screen"]?["name"]?.text == "chat")
    }

    @Test func thePreviewShowsWhatTheCallThenCarries() async {
        let phone = phone()
        let journey = phone.journey
        #expect(await journey.preview().steps.isEmpty)
        journey.identify("customer-42")
        journey.screen("product/{id}")
        journey.product("1", name: "Galaxy A10")
        journey.record(.search(query: "secret"))
        let preview = await journey.preview()
        #expect(preview.customer == "customer-42")
        #expect(preview.steps.map(\.what) == [.customer, .screenView, .productView, .search])
        // Nobody allowed what is typed into a search.
        #expect(preview.steps.map(\.about) == ["customer-42", "product/{id}", "Galaxy A10", nil])
        #expect(!preview.uploadedBefore)
        #expect(phone.upload())
        #expect(await journey.preview().uploadedBefore)
    }

    @Test func withoutConsentACallCarriesNothingButTheNumber() async throws {
        let phone = phone(.denied)
        let call = try phone.journey.callContext(number: "112")
        #expect(call.dialString == "tel:112")
        #expect([call.token, call.code, call.spokenCode] == [nil, nil, nil])
        #expect(call.sipHeaders.isEmpty && call.linkParameter == nil)
        #expect(await phone.journey.preview() == Journey.Preview())
    }
}
