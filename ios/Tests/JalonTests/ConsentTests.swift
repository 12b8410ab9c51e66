import Foundation
import Testing

@testable import Jalon

/// Nothing before a grant, nothing after a refusal, and an erasure reaches the collector.
struct ConsentTests {
    @Test func whatWaitsForConsentIsKeptAtTheGrantAndAGrantIsRemembered() {
        let collector = FakeCollector()
        let phone = Phone(collector.url).open(consent: nil)
        phone.journey.screen("welcome")
        #expect(phone.journey.status().consent == .unknown)
        #expect(phone.files == [])
        phone.journey.setConsent(.granted)
        phone.journey.close()
        phone.open(consent: nil)
        #expect(phone.journey.status().consent == .granted)
        #expect(phone.upload())
        #expect(collector.events.map { $0["screen"]?.text } == ["welcome"])
    }

    @Test func aRefusalDeletesWhatWasRecordedAndIsRemembered() {
        let collector = FakeCollector()
        // Out of reach until the refusal: a phone that may asks for codes at once.
        let phone = Phone(collector.url).open(endpoint: Phone.nowhere)
        phone.journey.screen("home")
        phone.journey.setConsent(.denied)
        phone.journey.screen("refused")
        phone.journey.close()
        #expect(phone.files == ["denied"])
        phone.open(consent: nil)
        #expect(phone.journey.status().consent == .denied)
        #expect(phone.upload())
        #expect(collector.requests.isEmpty)
    }

    @Test func anErasureIsToldToTheCollectorAndBeginsANewInstallation() {
        let collector = FakeCollector()
        let phone = Phone(collector.url).open()
        phone.journey.screen("home")
        #expect(phone.upload())
        phone.journey.erase()
        #expect(phone.journey.status().consent == .unknown)
        #expect(phone.upload())
        let first = collector.requests.compactMap(\.body).first?["installation"]?.text ?? ""
        #expect(collector.requests.contains { $0.path == "/v1/installations/\(first)" })
        phone.journey.setConsent(.granted)
        phone.journey.screen("again")
        #expect(phone.upload())
        let last = collector.requests.compactMap(\.body).last?["installation"]?.text ?? ""
        #expect(first != last && !last.isEmpty)
    }

    @Test(arguments: [true, false])
    func afterAnErasureTheAppIsAskedToAskAgainWhoeverBeganIt(byCollector: Bool) async {
        let collector = FakeCollector()
        var configuration = Journey.Configuration()
        configuration.consent = .granted
        let phone = Phone(collector.url)
        await withCheckedContinuation { (asked: CheckedContinuation<Void, Never>) in
            configuration.onConsentNeeded = {
                MainActor.assertIsolated()
                asked.resume()
            }
            phone.open(configuration)
            phone.journey.screen("home")
            if byCollector {
                collector.status.set(410)
                phone.journey.uploadNow()
            } else {
                phone.journey.erase()
            }
        }
        #expect(phone.journey.status().consent == .unknown)
    }
}
