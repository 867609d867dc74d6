// SPDX-License-Identifier: Apache-2.0

import Control
import Wire

/// What `--node` says of a box that may not exist yet: `memory=8GiB,bandwidth=20GB/s,count=3`.
struct NodeSpec {
    private static let option = "--node"
    private static let example = "memory=8GiB,bandwidth=20GB/s"
    private static let countMax = 256
    /// Operations for each byte of bandwidth where `int8` is not given: about what two AVX-512
    /// cores measured.
    private static let assumedOperationsPerByte = 20.0

    private(set) var name: String?
    private(set) var count = 1
    private(set) var memoryBytes = 0
    private(set) var readBytesPerSecond = 0.0
    private(set) var int8PerSecond: Double?
    private(set) var path = NetworkPath.unmeasured

    /// Whether its arithmetic is an assumption.
    var assumesArithmetic: Bool { int8PerSecond == nil }

    init(_ text: String) throws(UsageError) {
        for field in text.split(separator: ",", omittingEmptySubsequences: false) {
            let pair = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2, !pair[1].isEmpty else {
                throw Self.bad(String(field), "fields KEY=VALUE separated by commas, such as")
            }
            try take(String(pair[0]), String(pair[1]))
        }
        guard memoryBytes > 0, readBytesPerSecond > 0 else {
            throw Self.bad(text, "both memory= and bandwidth=, such as")
        }
    }

    private mutating func take(_ key: String, _ value: String) throws(UsageError) {
        switch key {
        case "name":
            guard value.utf8.count <= 64 else { throw Self.bad(value, "a name up to 64 bytes in") }
            name = value
        case "count":
            guard let number = Int(value), (1...Self.countMax).contains(number) else {
                throw Self.bad("count=\(value)", "a count from 1 to \(Self.countMax) in")
            }
            count = number
        case "memory":
            guard let bytes = ByteSize.parse(value), bytes > 0 else {
                throw Self.bad("memory=\(value)", "a size such as 8GiB in")
            }
            memoryBytes = bytes
        case "bandwidth":
            readBytesPerSecond = try Self.rate(key, value, "20GB/s")
        case "int8":
            int8PerSecond = try Self.rate(key, value, "500GOP/s")
        case "link":
            path.bytesPerSecond = try Self.linkRate(value)
        case "rtt":
            path.roundTripSeconds = try Self.duration(value)
        default:
            throw Self.bad(
                key, "memory, bandwidth, int8, name, count, rtt and link as keys, such as")
        }
    }

    /// Workers named `name` or `box`, numbered where there are several.
    func workers(after number: Int) -> [PlannerWorker] {
        let rate = int8PerSecond ?? readBytesPerSecond * Self.assumedOperationsPerByte
        return (0..<count).map { index in
            let place = number + index + 1
            let own = name.map { count == 1 ? $0 : "\($0)-\(index + 1)" }
            return PlannerWorker(
                node: NodeID(high: 0, low: UInt64(place)), name: own ?? "box-\(place)",
                memoryBudgetBytes: UInt64(memoryBytes),
                speed: WorkerSpeed(
                    readBytesPerSecond: UInt64(max(1, min(readBytesPerSecond, 1e18))),
                    int8OperationsPerSecond: UInt64(max(1, min(rate, 1e18)))),
                path: path)
        }
    }

    // MARK: Values

    private static func bad(_ text: String, _ wanted: String) -> UsageError {
        .badValue(option, text, "\(wanted) \(example)")
    }

    /// A count a second: `20GB/s`, `500GOP/s`, or a plain number.
    private static func rate(
        _ key: String, _ value: String, _ sample: String
    ) throws(UsageError) -> Double {
        var text = value[...]
        for suffix in ["OP/s", "OPS", "B/s", "/s", "B"] where text.hasSuffix(suffix) {
            text = text.dropLast(suffix.count)
            break
        }
        let factors: [(String, Double)] = [
            ("Ki", 1024), ("Mi", 1_048_576), ("Gi", 1_073_741_824), ("Ti", 1_099_511_627_776),
            ("k", 1e3), ("M", 1e6), ("G", 1e9), ("T", 1e12), ("", 1),
        ]
        for (suffix, factor) in factors where text.hasSuffix(suffix) {
            guard let number = Double(text.dropLast(suffix.count)), number > 0,
                (number * factor).isFinite
            else { break }
            return number * factor
        }
        throw bad("\(key)=\(value)", "a rate such as \(sample) in")
    }

    /// `1Gbit/s` counts bits, `117MB/s` bytes.
    private static func linkRate(_ value: String) throws(UsageError) -> Double {
        for suffix in ["bit/s", "bit", "bps"] where value.hasSuffix(suffix) {
            let digits = String(value.dropLast(suffix.count))
            guard let bits = try? rate("link", digits + "B/s", "1Gbit/s") else { break }
            return bits / 8
        }
        return try rate("link", value, "1Gbit/s")
    }

    /// `200us`, `0.5ms`, `0.01s`.
    private static func duration(_ value: String) throws(UsageError) -> Double {
        for (suffix, factor) in [("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0)]
        where value.hasSuffix(suffix) {
            guard let number = Double(value.dropLast(suffix.count)), (0...1e9).contains(number)
            else { break }
            return number * factor
        }
        throw bad("rtt=\(value)", "a time such as 0.5ms in")
    }
}
