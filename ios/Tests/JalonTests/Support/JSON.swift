import Foundation

/// Just enough of JSON to look at what is on the wire.
enum JSON: Decodable, Hashable, Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    init(from decoder: any Decoder) throws {
        let one = try decoder.singleValueContainer()
        if one.decodeNil() {
            self = .null
        } else if let bool = try? one.decode(Bool.self) {
            self = .bool(bool)
        } else if let number = try? one.decode(Double.self) {
            self = .number(number)
        } else if let string = try? one.decode(String.self) {
            self = .string(string)
        } else if let array = try? one.decode([JSON].self) {
            self = .array(array)
        } else {
            self = .object(try one.decode([String: JSON].self))
        }
    }

    static func read(_ data: Data) -> JSON? {
        try? JSONDecoder().decode(JSON.self, from: data)
    }

    subscript(_ key: String) -> JSON? {
        if case .object(let fields) = self { fields[key] } else { nil }
    }

    var text: String? { if case .string(let text) = self { text } else { nil } }
    var number: Double? { if case .number(let number) = self { number } else { nil } }
    var list: [JSON] { if case .array(let list) = self { list } else { [] } }

    func without(_ keys: [String]) -> JSON {
        guard case .object(var fields) = self else { return self }
        for key in keys { fields[key] = nil }
        return .object(fields)
    }
}
