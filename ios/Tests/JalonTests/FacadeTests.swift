import Foundation
import Testing

@testable import Jalon

/// What the façade itself decides, without a phone.
struct FacadeTests {
    @Test func aBackgroundTaskIsRegisteredOnlyWhereTheSystemExpectsIt() {
        typealias Verdict = BackgroundUploads.Verdict
        let permitted = ["com.example.refresh", "jalon.upload"]
        #expect(Verdict.on(permitted: permitted, hasLaunched: false, isRegistered: false) == .register)
        #expect(Verdict.on(permitted: permitted, hasLaunched: true, isRegistered: false) == .late)
        #expect(Verdict.on(permitted: permitted, hasLaunched: true, isRegistered: true) == .already)
        #expect(Verdict.on(permitted: nil, hasLaunched: false, isRegistered: false) == .notPermitted)
        #expect(Verdict.on(permitted: ["jalon"], hasLaunched: false, isRegistered: false) == .notPermitted)
        #expect(Verdict.late.line?.contains("launching") == true)
    }

    @Test func thePreviewReadsAsTheCustomerWouldSayIt() {
        var preview = Journey.Preview()
        let texts = Journey.CallTexts()
        #expect(texts.describe(preview) == texts.nothingToSee)
        preview.customer = "customer-42"
        preview.steps = Journey.StepKind.allCases.map { Journey.PreviewStep(atMs: 0, what: $0, about: "it") }
        preview.uploadedBefore = true
        let lines = texts.describe(preview).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.first == "customer-42")
        #expect(lines[1] == "Called us" && lines[10] == "Opened it")
        #expect(lines.last == "The agent also sees what you did before.")
    }

    @Test func whereNoCallCanBePlacedTheCustomerIsToldNumberAndCode() {
        let texts = Journey.CallTexts()
        #expect(texts.explain("112", code: nil) == "Call 112 from a phone.")
        #expect(texts.explain("112", code: "412 9").hasSuffix("412 9"))
    }

    @Test func everyChoiceHasWordsOfItsOwn() {
        var texts = Journey.CallTexts()
        texts.onlyThisScreen = "Cet écran"
        #expect(
            Journey.CallScope.allCases.map(texts.choice) == [
                "Everything I did here", "Cet écran", "Nothing but my number",
            ])
    }

    @Test func theDefaultFolderIsTheAppsOwn() {
        #expect(StorageFolder.standard.lastPathComponent == "jalon")
        #expect(!AppInfo.device.isEmpty && !AppInfo.os.isEmpty && !AppInfo.locale.contains("_"))
    }

    @Test func thePrivacyManifestIsInThePackage() throws {
        let file = try #require(Journey.privacyManifest)
        let plist = try PropertyListSerialization.propertyList(from: Data(contentsOf: file), format: nil)
        let manifest = try #require(plist as? [String: Any])
        #expect(manifest["NSPrivacyTracking"] as? Bool == false)
    }
}

extension Journey {
    /// Where SwiftPM put it.
    static var privacyManifest: URL? {
        Bundle.module.url(forResource: "PrivacyInfo", withExtension: "xcprivacy")
    }
}
