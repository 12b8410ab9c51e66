import Foundation
import Testing

/// What `record` took survives SIGKILL at any later instant: here at once, and after a while.
struct KeptTests {
    @Test func whatWasRecordedIsKeptWhenTheProcessIsKilled() throws {
        let collector = FakeCollector()
        let phone = Phone(collector.url)
        // At most what a journal segment holds: beyond that a burst is dropped where the worker is kept
        // from draining, and counted.
        let counts = [1, 7, 500, 2_500]
        for count in counts {
            let output = Pipe()
            let arguments = ["record", phone.folder.path, "\(count)", collector.url]
            let child = try Child.start(Child.binary, arguments, output)
            let said = Child.line(output)
            // While the worker may be anywhere.
            kill(child.processIdentifier, SIGKILL)
            child.waitUntilExit()
            #expect(said == "recorded \(count)")
        }
        phone.open()
        #expect(phone.upload())
        let expected = counts.flatMap { count in (1...count).map { "\(count)-\($0)" } }
        let views = collector.events.filter { $0["type"]?.text == "screen_view" }
        #expect(views.map { $0["screen"]?.text ?? "" } == expected)
        let status = phone.journey.status()
        #expect(status.dropped.total == 0)
        #expect(status.recorded == expected.count)
        #expect(status.recorded == status.delivered)
    }
}
