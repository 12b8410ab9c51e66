// The shop's journey on a command line, against a collector:
//
//     swift run jalon-sample https://calls.example.com jalon_write_… [NUMBER]
import Foundation
import Jalon

guard CommandLine.arguments.count >= 3 else {
    print("usage: jalon-sample ENDPOINT WRITE_KEY [NUMBER]")
    exit(2)
}
let arguments = CommandLine.arguments

var configuration = Journey.Configuration()
configuration.consent = .granted
configuration.logLevel = .info
let journey = Journey(
    writeKey: arguments[2], endpoint: arguments[1], configuration: configuration)

journey.identify("customer-42")
journey.screen("home")
journey.screen("product/{id}")
journey.record(
    .productView(
        id: "1004856", name: "Galaxy A10", category: "electronics.smartphone", brand: "samsung",
        price: Journey.Price(minor: 13_076, currency: "EUR")))
journey.record(.cartChange(Journey.Product(id: "1004856"), delta: 1))
journey.screen("checkout")
journey.failure("payment_declined")
journey.prepareCall()
journey.uploadNow()

// On a phone the customer reads on for a while; the first upload brings the codes.
for _ in 1...100 where journey.status().codes == 0 {
    try await Task.sleep(nanoseconds: 50_000_000)
}
let call = try journey.callContext(number: arguments.count > 3 ? arguments[3] : "+33 1 23 45 67 89")
print("dial \(call.dialString ?? "nothing")")
// The call's snapshot goes by itself; an app that leaves the screen has the rest uploaded too.
journey.uploadNow()
for _ in 1...100 where journey.status().queued > 0 {
    try await Task.sleep(nanoseconds: 50_000_000)
}
let status = journey.status()
print("recorded \(status.recorded), delivered \(status.delivered), queued \(status.queued)")
if let problem = status.problem ?? status.lastUpload?.problem { print("problem: \(problem)") }
journey.close()
