import Foundation

/// What the collector is told of the app and the phone.
enum AppInfo {
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
}
