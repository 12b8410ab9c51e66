import Foundation

/// Reads gzip (RFC 1952, 1951): Foundation has none on Linux. For what the SDK itself wrote.
struct Inflate {
    private let input: [UInt8]
    private var at: Int
    private var bits: UInt32 = 0
    private var held = 0
    private var out: [UInt8] = []

    static func gunzip(_ data: Data) -> Data? {
        let bytes = [UInt8](data)
        // No name, no extra field: 10 bytes of header.
        guard bytes.count > 18, bytes[0] == 0x1f, bytes[1] == 0x8b, bytes[3] == 0 else { return nil }
        var inflate = Inflate(input: bytes, at: 10)
        return inflate.all() ? Data(inflate.out) : nil
    }

    private init(input: [UInt8], at: Int) {
        self.input = input
        self.at = at
    }

    private mutating func take(_ count: Int) -> Int {
        while held < count {
            guard at < input.count else { return 0 }
            bits |= UInt32(input[at]) << held
            at += 1
            held += 8
        }
        let value = bits & ((1 << count) - 1)
        bits >>= count
        held -= count
        return Int(value)
    }

    /// A canonical Huffman code: how many codes of each length, and the symbols in their order.
    private struct Code {
        var counts = [Int](repeating: 0, count: 16)
        var symbols: [Int] = []

        init(_ lengths: [Int]) {
            for length in 1...15 {
                let these = lengths.indices.filter { lengths[$0] == length }
                counts[length] = these.count
                symbols += these
            }
        }
    }

    private mutating func symbol(_ code: Code) -> Int? {
        var (value, first, index) = (0, 0, 0)
        for length in 1...15 {
            value |= take(1)
            let count = code.counts[length]
            if value - count < first { return code.symbols[index + value - first] }
            index += count
            first = (first + count) << 1
            value <<= 1
        }
        return nil
    }

    private static let lengthBase = [
        3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
        163, 195, 227, 258,
    ]
    private static let lengthExtra = [
        0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
    ]
    private static let distanceBase = [
        1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049,
        3073, 4097, 6145, 8193, 12289, 16385, 24577,
    ]

    private mutating func all() -> Bool {
        while true {
            let isLast = take(1) == 1
            let good: Bool
            switch take(2) {
            case 0: good = stored()
            case 1:
                let lengths = (0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 }
                good = coded(Code(lengths), Code([Int](repeating: 5, count: 30)))
            case 2: good = dynamic()
            default: good = false
            }
            if !good { return false }
            if isLast { return true }
        }
    }

    private mutating func stored() -> Bool {
        (bits, held) = (0, 0)
        guard at + 4 <= input.count else { return false }
        let length = Int(input[at]) | Int(input[at + 1]) << 8
        at += 4
        guard at + length <= input.count else { return false }
        out += input[at..<at + length]
        at += length
        return true
    }

    private mutating func dynamic() -> Bool {
        let (literals, distances, count) = (take(5) + 257, take(5) + 1, take(4) + 4)
        let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
        var small = [Int](repeating: 0, count: 19)
        for index in 0..<count { small[order[index]] = take(3) }
        let code = Code(small)
        var lengths: [Int] = []
        while lengths.count < literals + distances {
            guard let symbol = symbol(code) else { return false }
            switch symbol {
            case 16: lengths += [Int](repeating: lengths.last ?? 0, count: 3 + take(2))
            case 17: lengths += [Int](repeating: 0, count: 3 + take(3))
            case 18: lengths += [Int](repeating: 0, count: 11 + take(7))
            default: lengths.append(symbol)
            }
        }
        return coded(Code(Array(lengths[..<literals])), Code(Array(lengths[literals...])))
    }

    private mutating func coded(_ literals: Code, _ distances: Code) -> Bool {
        while true {
            guard let symbol = symbol(literals) else { return false }
            if symbol < 256 {
                out.append(UInt8(symbol))
            } else if symbol == 256 {
                return true
            } else {
                let length = Self.lengthBase[symbol - 257] + take(Self.lengthExtra[symbol - 257])
                guard let far = self.symbol(distances) else { return false }
                let distance = Self.distanceBase[far] + take(max(0, far / 2 - 1))
                guard distance <= out.count else { return false }
                for _ in 0..<length { out.append(out[out.count - distance]) }
            }
        }
    }
}
