// A process of its own for the tests: killed, and watched from outside.
//
// JalonChild record FOLDER COUNT URL
// JalonChild mistakes FOLDER URL
import Foundation
import Jalon

func open(_ folder: String, _ endpoint: String) -> Journey {
    var configuration = Journey.Configuration()
    configuration.consent = .granted
    configuration.folder = URL(fileURLWithPath: folder)
    configuration.logLevel = .warn
    return Journey(writeKey: "wk_test", endpoint: endpoint, configuration: configuration)
}

let arguments = Array(CommandLine.arguments.dropFirst())
switch arguments[0] {
case "record":
    let journey = open(arguments[1], arguments[3])
    let count = Int(arguments[2]) ?? 0
    for at in 1...count { journey.screen("\(count)-\(at)") }
    print("recorded \(count)")
    fflush(nil)
    // Until killed.
    while true { sleep(60) }
case "mistakes":
    _ = open(arguments[1] + "-refused", "http://calls.example.com")
    let journey = open(arguments[1], arguments[2])
    var values: [String: Journey.Value] = [:]
    for at in 1...17 { values["secret\(at)"] = "secret" }
    for _ in 1...3 {
        journey.screen("")
        journey.record(.custom("secret", values: values))
        _ = try? journey.callContext(number: "secret")
        journey.screen("secret")
        journey.uploadNow()
        // Its answer comes after what was asked before.
        _ = await journey.preview()
    }
    // The line about the collector comes from the upload, beside us.
    for _ in 1...500 where journey.status().lastUpload == nil {
        try? await Task.sleep(nanoseconds: 20_000_000)
    }
    journey.close()
default:
    exit(2)
}
