import Foundation

/// Where the journey is kept on this device.
enum StorageFolder {
    /// In the app's own container. On a Mac without a sandbox all apps share Application Support.
    static var standard: URL {
        let found = FileManager.default.urls(for: .applicationSupportDirectory, in: .userDomainMask)
        let support = found.first ?? FileManager.default.temporaryDirectory
        #if os(iOS)
            return support.appendingPathComponent("jalon")
        #else
            return support.appendingPathComponent(AppInfo.appId).appendingPathComponent("jalon")
        #endif
    }

    /// Makes the folder as the core needs it: readable after the first unlock, also while the phone
    /// is locked, and in no backup, since a journey on two phones would be one installation twice.
    /// A failure here is noticed by the core, which waits for the folder.
    static func prepare(_ folder: URL) {
        var attributes: [FileAttributeKey: Any] = [:]
        #if canImport(UIKit)
            attributes[.protectionKey] = FileProtectionType.completeUntilFirstUserAuthentication
        #endif
        let files = FileManager.default
        try? files.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: attributes)
        #if canImport(UIKit)
            // For a folder that existed already.
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
