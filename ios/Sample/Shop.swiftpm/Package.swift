// swift-tools-version:6.0
// The sample app. Opens in Xcode or Swift Playgrounds as it is.
import AppleProductTypes
import PackageDescription

let package = Package(
    name: "Shop",
    platforms: [.iOS("15.0")],
    products: [
        .iOSApplication(
            name: "Shop", targets: ["Shop"], bundleIdentifier: "com.example.shop",
            displayVersion: "1.0", bundleVersion: "1", supportedDeviceFamilies: [.phone],
            supportedInterfaceOrientations: [.portrait])
    ],
    dependencies: [.package(name: "Jalon", path: "../../..")],
    targets: [
        .executableTarget(name: "Shop", dependencies: [.product(name: "Jalon", package: "Jalon")], path: ".")
    ],
    swiftLanguageModes: [.v6]
)
