import Foundation
import Testing

@testable import Jalon

/// Whatever an app gets wrong, and whatever happens to it, nothing fails it and nothing waits.
struct HarmlessTests {
    @Test(arguments: [
        ("http://calls.example.com", "wk_test", "https"), ("", "wk_test", "https"),
        ("https://", "wk_test", "HOST"), (Phone.nowhere, "", "write_key"),
        (Phone.nowhere, "a key", "write_key"),
    ])
    func anOptionThatCanNeverWorkOpensAJourneyThatRecordsNothingAndSaysWhy(
        endpoint: String, writeKey: String, word: String
    ) throws {
        let journey = Phone(Phone.nowhere).open(writeKey: writeKey, endpoint: endpoint).journey
        Self.everything(journey)
        #expect(journey.status().problem?.contains(word) == true)
        #expect(journey.status().recorded == 0)
        // The customer gets through all the same.
        #expect(try journey.callContext(number: "+33 1 23 45 67 89").dialString == "tel:+33123456789")
    }

    @Test func openingTwiceIsTheSameJourneyAndAfterCloseANewOne() async {
        let phone = Phone(Phone.nowhere).open()
        let first = phone.journey
        first.screen("home")
        let again = phone.open().journey
        again.screen("again")
        #expect(first.status().recorded == 2)
        first.close()
        let second = phone.open().journey
        #expect(second.status().problem == nil)
        first.screen("after close")
        _ = await second.preview()
        #expect(second.status().recorded == 2)
    }

    @Test func useAfterCloseDoesNothing() {
        let collector = FakeCollector()
        let phone = Phone(collector.url).open()
        let journey = phone.journey
        journey.screen("home")
        #expect(phone.upload())
        journey.close()
        let before = collector.requests.count
        Self.everything(journey)
        journey.close()
        #expect(journey.uploadAndWait(timeoutMs: 10_000))
        #expect(journey.status().recorded == 1)
        #expect(collector.requests.count == before)
        #expect(journey.callContext().token == nil)
    }

    @Test func aPhoneNumberThatIsNoneSaysSoUsesUpNothingAndIsCounted() {
        let journey = Phone(Phone.nowhere).open().journey
        let numbers = ["", "call me", "+", "12", "1234567890123456", "*100#", "\u{fffd}"]
        for number in numbers {
            #expect(throws: Journey.CallError.notANumber) { try journey.callContext(number: number) }
        }
        #expect(journey.status().dropped.invalid == numbers.count)
    }

    @Test func aButtonWithoutAnOpenJourneyCallsTheNumberAlone() {
        let numbers = [
            "+33 1 23 45 67 89", " (0033) 1-23.45/67 89", "+33\u{a0}1\u{202f}23456789", "112",
            "\u{202a}+33\u{2009}1\u{2011}23\u{200e}45\u{202c}", "\u{ff0b}٣٣ 123456",
        ]
        let journey = Phone(Phone.nowhere).open(consent: .denied).journey
        for number in numbers {
            let call = Journey.CallContext(
                of: nil, to: number, topic: "billing", scope: .everything)
            #expect(call.token == nil && call.code == nil)
            #expect(call.dialString?.hasPrefix("tel:") == true)
            // As the core dials it.
            #expect(call.dialString == (try? journey.callContext(number: number).dialString))
        }
        for number in ["", "call me", "+", "12", "1234567890123456", "*100#", "1+2345", "+33 (0)1 23"] {
            let call = Journey.CallContext(of: nil, to: number, topic: nil, scope: .everything)
            #expect(call == Journey.CallContext())
        }
    }

    @Test func blankNamesAreDroppedAndCounted() async {
        let phone = Phone(Phone.nowhere).open()
        let journey = phone.journey
        journey.screen("")
        journey.screen("  \t")
        journey.product("")
        journey.failure("")
        journey.record(.order(Journey.Order(id: "", status: "")))
        journey.record(.custom(""))
        journey.identify("")
        journey.identify(String(repeating: "x", count: 129))
        journey.identify("c-1", proof: String(repeating: "x", count: 4 * 1024 + 1))
        journey.setLocation(latitude: .nan, longitude: 0)
        _ = await journey.preview()
        #expect(journey.status().dropped.invalid == 10)
        journey.setLocation(latitude: 1, longitude: 1)
        #expect(journey.status().dropped.consent == 1)
    }

    @Test func aKeyThatIsNotAcceptedAndACollectorThatIsNotThereKeepWhatWasRecorded() {
        let collector = FakeCollector()
        let refused = Phone(collector.url).open()
        collector.status.set(401)
        refused.journey.screen("home")
        #expect(!refused.upload())
        #expect(refused.journey.status().lastUpload?.problem?.contains("401") == true)
        #expect(refused.journey.status().queued == 1)
        collector.status.set(200)
        #expect(refused.upload())
        #expect(refused.journey.status().lastUpload?.problem == nil)
        let alone = Phone(Phone.nowhere).open()
        alone.journey.screen("home")
        #expect(!alone.upload())
        #expect(alone.journey.status().queued == 1)
        #expect(alone.journey.status().lastUpload?.problem != nil)
    }

    @Test func aDevelopersMistakeIsOneLineInTheLogWithoutTheContent() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: folder) }
        let errors = Pipe()
        let arguments = ["mistakes", folder.path, Phone.nowhere]
        let child = try Child.start(Child.binary, arguments, Pipe(), errors: errors)
        let said = String(
            decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        child.waitUntilExit()
        #expect(child.terminationStatus == 0)
        let lines = said.split(separator: "\n").filter { $0.hasPrefix("Jalon") }
        func about(_ word: String) -> Int { lines.filter { $0.contains(word) }.count }
        #expect(about("dropped as invalid") == 1, "\(lines)")
        #expect(about("dropped as too large") == 1, "\(lines)")
        #expect(about("phone number is not valid") == 1, "\(lines)")
        #expect(about("no connection to the collector") == 1, "\(lines)")
        #expect(about("nothing is recorded: configuration: endpoint must be https") == 1, "\(lines)")
        #expect(about("secret") == 0)
    }

    @Test func tasksHammerWhileConsentFlipsAndTheJourneyCloses() async {
        let collector = FakeCollector()
        for _ in 1...3 {
            let phone = Phone(collector.url).open()
            let journey = phone.journey
            let isClosed = Protected(false)
            await withTaskGroup(of: Void.self) { group in
                for _ in 1...8 {
                    group.addTask {
                        repeat {
                            Self.everything(journey)
                            await Task.yield()
                        } while !isClosed.get()
                    }
                }
                group.addTask {
                    for round in 0..<60 {
                        journey.setConsent(Journey.Consent.allCases[round % 3])
                        if round % 7 == 0 { journey.erase() }
                        await Task.yield()
                    }
                    journey.setConsent(.granted)
                    journey.close()
                    isClosed.set(true)
                }
            }
            let status = journey.status()
            #expect(status.recorded == status.delivered + status.queued + status.dropped.total)
        }
    }

    @Test func aStorageThatIsOutOfReachIsSaidAndWaitedFor() throws {
        let phone = Phone(Phone.nowhere)
        // A file where the folder should be: not even root can make a folder in it.
        try Data().write(to: phone.folder)
        let journey = phone.open().journey
        journey.screen("home")
        #expect(journey.status().storageTrouble != nil)
        #expect(journey.status().queued == 1)
        try FileManager.default.removeItem(at: phone.folder)
        #expect(!journey.uploadAndWait(timeoutMs: 60_000))
        #expect(journey.status().storageTrouble == nil)
    }

    /// Every call there is.
    static func everything(_ journey: Journey) {
        journey.screen("home")
        journey.product("1")
        journey.failure("a")
        journey.record(.search(query: "a"))
        journey.identify("c-1")
        journey.identify(nil)
        journey.allowLocation(true)
        journey.setLocation(latitude: 1, longitude: 2)
        journey.prepareCall()
        _ = journey.callContext()
        _ = try? journey.callContext(number: "112", topic: "billing")
        journey.uploadNow()
        _ = journey.status()
    }
}
