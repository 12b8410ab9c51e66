import Foundation
import Jalon
import Testing

/// What a call carries has the exact form of each carrier.
struct CarrierTests {
    private let phone: Phone
    private let collector = FakeCollector(locators: ["412907384"])

    init() {
        phone = Phone(collector.url).open()
        phone.journey.screen("home")
        #expect(phone.upload())
    }

    @Test func aPhoneCallDialsTheNumberTwoPausesAndTheCodeWhichReadsAloudInGroups() throws {
        let call = try phone.journey.callContext(number: "+33 1 23 45 67 89")
        let code = try #require(call.code)
        #expect(call.dialString == "tel:+33123456789,,\(code)")
        #expect(code.prefix(9) == "412907384")
        let spoken = try #require(call.spokenCode).split(separator: " ")
        #expect(spoken.map(\.count) == [3, 3, 3, 3, 1])
        #expect(spoken.joined() == code)
    }

    @Test func aSIPCallHasBothHeadersWithTheTokenInEach() throws {
        let call = phone.journey.callContext()
        #expect(call.dialString == nil)
        let token = try #require(call.token)
        #expect(token.utf8.count == 22)
        let hex = token.utf8.map { String(format: "%02x", $0) }.joined()
        #expect(
            call.sipHeaders == [
                Journey.NamedValue(
                    name: "User-to-User",
                    value: "00\(hex);encoding=hex;purpose=isdn-uui;content=isdn-uui"),
                Journey.NamedValue(name: "X-Jalon-Context", value: token),
            ])
    }

    @Test func aChatACallbackOrALinkHasAParameterWithTheToken() throws {
        let call = phone.journey.callContext()
        let parameter = try #require(call.linkParameter)
        #expect(parameter.name == "jalon_context" && parameter.value == call.token)
    }

    @Test func whatACallCarriesShowsItselfInNoTextThatCouldEndUpInALog() throws {
        let call = try phone.journey.callContext(number: "112")
        let texts = ["\(call)", String(reflecting: call), "\(call.sipHeaders)", "\([call.linkParameter])"]
        for secret in [try #require(call.token), try #require(call.code)] {
            for text in texts { #expect(!text.contains(secret)) }
        }
    }
}
