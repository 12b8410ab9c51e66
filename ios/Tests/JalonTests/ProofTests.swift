import Foundation
import Jalon
import Testing

/// A proof of identity is tied to the phone that it was made for.
struct ProofTests {
    private let collector = FakeCollector()

    @Test func thereIsNoNonceBeforeConsentAndThenOneThatStays() throws {
        let phone = Phone(collector.url).open(consent: nil)
        #expect(phone.journey.proofNonce() == nil)
        phone.journey.setConsent(.granted)
        let nonce = try #require(phone.journey.proofNonce())
        #expect(nonce.utf8.count == 22)
        phone.journey.close()
        #expect(phone.open(consent: nil).journey.proofNonce() == nonce)
    }

    @Test func eachPhoneHasItsOwnAndAnotherAfterAnErasure() {
        let phone = Phone(collector.url).open()
        let first = phone.journey.proofNonce()
        #expect(first != nil && Phone(collector.url).open().journey.proofNonce() != first)
        phone.journey.erase()
        #expect(phone.journey.proofNonce() == nil)
        #expect(phone.upload())
        phone.journey.setConsent(.granted)
        let second = phone.journey.proofNonce()
        #expect(second != nil && second != first)
    }

    @Test func withoutAJourneyThereIsNone() {
        // Plain HTTP is for loopback alone: nothing is opened.
        #expect(Phone("http://calls.example.com").open().journey.proofNonce() == nil)
    }
}
