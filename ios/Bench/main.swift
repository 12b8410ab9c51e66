// `cargo xtask bench swift`: what recording and opening cost, beside the bare UniFFI call.
import Foundation
import Jalon
import JalonBindings

/// Sorted samples in ns.
struct Samples {
    private let sorted: [UInt64]

    init(_ count: Int, _ what: (Int) -> Void) {
        var taken: [UInt64] = []
        taken.reserveCapacity(count)
        for at in 0..<count {
            let start = DispatchTime.now().uptimeNanoseconds
            what(at)
            taken.append(DispatchTime.now().uptimeNanoseconds - start)
        }
        sorted = taken.sorted()
    }

    func us(_ part: Double) -> Double {
        Double(sorted[min(sorted.count - 1, Int(part * Double(sorted.count)))]) / 1_000
    }

    func row(_ name: String, _ reach: String) -> String {
        let cells = [us(0.5), us(0.99), us(1)].map { String(format: "%.2f", $0) }
        return "| \(name) | \(cells.joined(separator: " | ")) | \(reach) |"
    }

    var json: String { #"{"p50_us":\#(us(0.5)),"p99_us":\#(us(0.99)),"worst_us":\#(us(1))}"# }
}

func fresh() -> Jalon.Journey.Configuration {
    var configuration = Jalon.Journey.Configuration()
    configuration.consent = .granted
    configuration.logLevel = .off
    configuration.folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("jalon-bench-\(UUID().uuidString)")
    return configuration
}

/// Nobody listens there: the queue fills, and the worker is busy with the store.
let endpoint = "http://127.0.0.1:9"
let price = Jalon.Journey.Price(minor: 13_076, currency: "EUR")
let product = Jalon.Journey.Product(
    id: "1004856", name: "Galaxy A10", category: "electronics.smartphone", brand: "samsung",
    price: price)
let crossing = JalonBindings.Event.productView(
    product: JalonBindings.Product(
        id: "1004856", name: "Galaxy A10", category: "electronics.smartphone", brand: "samsung",
        price: JalonBindings.Price(minor: 13_076, currency: "EUR")))

// A journey that cannot be opened does nothing with an event: what is left is the crossing.
let idle = JalonBindings.Journey.open(
    config: Config(
        folder: "", endpoint: "", writeKey: "", sdk: "", appId: "", appVersion: "", os: "", device: "",
        locale: "", consent: nil, recordSearchQueries: false, quotaBytes: nil, timeToLiveMs: nil,
        extraRoots: [], proxy: nil, logLevel: .off))
_ = Samples(20_000) { _ in idle.record(event: crossing) }
let bare = Samples(100_000) { _ in idle.record(event: crossing) }

// The façade's own types on the way there.
let closed = Jalon.Journey(writeKey: "", endpoint: "", configuration: fresh())
let facade = Samples(100_000) { _ in closed.record(.productView(product)) }

let configuration = fresh()
let journey = Jalon.Journey(writeKey: "wk_bench", endpoint: endpoint, configuration: configuration)
_ = Samples(5_000) { _ in journey.record(.productView(product)) }
let record = Samples(100_000) { _ in journey.record(.productView(product)) }
let tap = Samples(1_000) { _ in _ = try? journey.callContext(number: "+33123456789") }
journey.close()

// Held until all are measured: the last hold of a journey ends its thread, and waits for that.
var folders = [configuration.folder]
var open: [Jalon.Journey] = []
let opening = Samples(50) { _ in
    let configuration = fresh()
    folders.append(configuration.folder)
    open.append(
        Jalon.Journey(writeKey: "wk_bench", endpoint: endpoint, configuration: configuration))
}
for journey in open { journey.close() }
for folder in folders.compactMap({ $0 }) { try? FileManager.default.removeItem(at: folder) }

print("| Swift, in µs | p50 | p99 | worst | reach |")
print("|---|---|---|---|---|")
print(bare.row("the bare UniFFI call with a product view", "–"))
print(facade.row("the same from the façade's types", "–"))
print(record.row("`record` of a product view, worker busy", "p50 ≤ 1.2, p99 ≤ 15"))
print(tap.row("`callContext`", "p99 ≤ 100"))
print(opening.row("`Journey(…)` in a new folder", "≤ 2,000"))
if CommandLine.arguments.count > 1 {
    let json = #"{"bare":\#(bare.json),"record":\#(record.json),"tap":\#(tap.json),"open":\#(opening.json)}"#
    try Data(json.utf8).write(to: URL(fileURLWithPath: CommandLine.arguments[1]))
}
let good = record.us(0.5) <= 2 && record.us(0.99) <= 50 && opening.us(0.5) <= 2_000
exit(good ? 0 : 1)
