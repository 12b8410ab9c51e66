import Foundation

/// A value behind a lock: `Mutex` requires iOS 18.
final class Protected<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var value: Value

    init(_ value: Value) {
        self.value = value
    }

    func get() -> Value {
        lock.withLock { value }
    }

    func set(_ new: Value) {
        lock.withLock { value = new }
    }

    /// Reads and changes the value under the lock.
    func with<Result>(_ what: (inout Value) -> Result) -> Result {
        lock.withLock { what(&value) }
    }
}
