// SPDX-License-Identifier: Apache-2.0

/// A time as people read it: `24 ms`, `1.7 s`.
package struct TimeSpan: CustomStringConvertible {
    let seconds: Double

    package init(_ seconds: Double) { self.seconds = seconds }

    package var description: String {
        for (factor, unit) in [(1e6, "µs"), (1e3, "ms")] where seconds * factor < 999.5 {
            return "\(Self.threeDigits(seconds * factor)) \(unit)"
        }
        return seconds < 999.5
            ? "\(Self.threeDigits(seconds)) s" : "\(Self.threeDigits(seconds / 60)) min"
    }

    private static func threeDigits(_ value: Double) -> String {
        guard value.isFinite else { return "-" }
        if value >= 99.5 { return "\(Int(min(value.rounded(), 1e15)))" }
        let tenths = (value * 10).rounded() / 10
        return tenths == tenths.rounded() ? "\(Int(tenths))" : "\(tenths)"
    }
}
