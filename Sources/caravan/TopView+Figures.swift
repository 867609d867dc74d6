// SPDX-License-Identifier: Apache-2.0

import Control

/// Figures as the frame shows them.
extension TopView {
    static func rate(_ value: Double) -> String {
        abs(value) < 99.95 ? "\(value.rounded(toPlaces: 1))" : "\(value.shownWhole)"
    }

    /// A part of 1, as a percentage.
    static func share(_ value: Double) -> String { "\((value * 100).shownWhole) %" }

    /// `12 s`, `4:05`, `3:20:00`.
    static func age(_ seconds: Double) -> String {
        let whole = seconds.rounded(.down).shownWhole
        guard whole >= 60 else { return "\(whole) s" }
        func padded(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let (minutes, rest) = whole.quotientAndRemainder(dividingBy: 60)
        guard minutes >= 60 else { return "\(minutes):\(padded(rest))" }
        return "\(minutes / 60):\(padded(minutes % 60)):\(padded(rest))"
    }

    /// Times in the unit of the largest.
    static func times(_ microseconds: [Int]) -> String {
        let largest = microseconds.max() ?? 0
        let (unit, factor): (String, Double) =
            largest < 1000 ? ("µs", 1) : largest < 10_000_000 ? ("ms", 1e3) : ("s", 1e6)
        let shown = microseconds.map { value -> String in
            let scaled = Double(value) / factor
            return scaled < 9.95 && unit != "µs"
                ? "\(scaled.rounded(toPlaces: 1))" : "\(scaled.shownWhole)"
        }
        return shown.joined(separator: "/") + " " + unit
    }
}

/// Recent values as one line of blocks, the largest as a full one.
enum Sparkline {
    private static let blocks: [Character] = Array("▁▂▃▄▅▆▇█")

    static func text(_ values: some Collection<Double>) -> String {
        let largest = values.max() ?? 0
        return String(
            values.map { value in
                guard largest > 0 else { return blocks[0] }
                let level = (value / largest * Double(blocks.count - 1)).shownWhole
                return blocks[min(max(0, level), blocks.count - 1)]
            })
    }
}

extension Double {
    /// The nearest whole number, within what anybody can read: figures come from another program.
    var shownWhole: Int { isNaN ? 0 : Int(Swift.min(Swift.max(self, -1e15), 1e15).rounded()) }
}
