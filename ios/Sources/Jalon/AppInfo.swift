import Foundation

/// Where the journey is: the folder on this device, and what the collector is told of app and phone.
enum Place {
    static let sdk = "jalon-ios/0.1.0"

    static let appId = Bundle.main.bundleIdentifier ?? ProcessInfo.processInfo.processName

    static let appVersion =
        Bundle.main.object(forInfoDictionaryKey: "CFBundleShortVersionString") as? String ?? ""

    static let os: String = {
        let version = ProcessInfo.processInfo.operatingSystemVersion
        #if os(iOS)
            let name = "iOS"
        #elseif os(macOS)
            let name = "macOS"
        #else
            let name = "Linux"
        #endif
        return "\(name) \(version.majorVersion).\(version.minorVersion)"
    }()

    /// The model, such as `iPhone16,2`: not the name that its owner gave it.
    static let device: String = {
        let environment = ProcessInfo.processInfo.environment
        if let simulated = environment["SIMULATOR_MODEL_IDENTIFIER"] { return simulated }
        var system = utsname()
        guard uname(&system) == 0 else { return "" }
        return withUnsafeBytes(of: &system.machine) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }()

    static var locale: String {
        let name = Locale.current.identifier.prefix { $0 != "@" }
        return name.replacingOccurrences(of: "_", with: "-")
    }

    /// In the app's own container. On a Mac without a sandbox all apps share Application Support.
    static var folder: URL {
        let found = FileManager.default.urls(for: .applicationSupportDirectory, in: .userDomainMask)
        let support = found.first ?? FileManager.default.temporaryDirectory
        #if os(iOS)
            return support.appendingPathComponent("jalon")
        #else
            return support.appendingPathComponent(appId).appendingPathComponent("jalon")
        #endif
    }

    /// Makes the folder as the core needs it: readable after the first unlock, also while the phone
    /// is locked, and in no backup, since a journey on two phones would be one installation twice.
    /// What does not work is the core's to notice: it waits for the folder.
    static func prepare(_ folder: URL) {
        var attributes: [FileAttributeKey: Any] = [:]
        #if canImport(UIKit)
            attributes[.protectionKey] = FileProtectionType.completeUntilFirstUserAuthentication
        #endif
        let files = FileManager.default
        try? files.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: attributes)
        #if canImport(UIKit)
            // One that stood there already.
            try? files.setAttributes(attributes, ofItemAtPath: folder.path)
        #endif
        #if canImport(Darwin) || canImport(UIKit)
            var values = URLResourceValues()
            values.isExcludedFromBackup = true
            var folder = folder
            try? folder.setResourceValues(values)
        #endif
    }
}
