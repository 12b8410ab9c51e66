// swift-tools-version:6.0
// The Swift package; its sources are under ios/. On Apple's systems it brings the Rust core as an
// XCFramework, which `cargo xtask xcframework` makes; on Linux it links the host's library, so that
// `cargo xtask test --only swift` runs everything but UIKit and SwiftUI for real.
import PackageDescription

#if os(Linux)
    let core: [Target] = [.systemLibrary(name: "JalonFFI", path: "ios/JalonFFI")]
#else
    // A release names the archive instead: `url:` and `checksum:`, as the same command prints them.
    let core: [Target] = [
        .binaryTarget(name: "JalonFFI", path: "target/xcframework/JalonFFI.xcframework")
    ]
#endif

let package = Package(
    name: "Jalon",
    platforms: [.iOS(.v15), .macOS(.v12)],
    products: [
        .library(name: "Jalon", targets: ["Jalon"]),
        .executable(name: "jalon-sample", targets: ["JalonSample"]),
    ],
    targets: core + [
        // Written by `cargo xtask bindings swift`; nothing but the façade sees it.
        .target(name: "JalonBindings", dependencies: ["JalonFFI"], path: "ios/Sources/JalonBindings"),
        // What Swift cannot say: before anything else runs, and into UIKit's own classes.
        .target(name: "JalonPlatform", path: "ios/Sources/JalonPlatform"),
        .target(
            name: "Jalon", dependencies: ["JalonBindings", "JalonPlatform"], path: "ios/Sources/Jalon",
            resources: [.copy("PrivacyInfo.xcprivacy")]),
        .executableTarget(name: "JalonSample", dependencies: ["Jalon"], path: "ios/Sample/CommandLine"),
        .executableTarget(name: "JalonBench", dependencies: ["Jalon", "JalonBindings"], path: "ios/Bench"),
        // Killed and watched by the tests from outside.
        .executableTarget(name: "JalonChild", dependencies: ["Jalon"], path: "ios/Tests/JalonChild"),
        .testTarget(
            name: "JalonTests", dependencies: ["Jalon", "JalonChild", "JalonSample"],
            path: "ios/Tests/JalonTests"),
    ],
    swiftLanguageModes: [.v6]
)
