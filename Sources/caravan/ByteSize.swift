// SPDX-License-Identifier: Apache-2.0

import Control

/// Counts of bytes as people write them.
enum ByteSize {
    private static let units: [(suffix: String, factor: Double)] = [
        ("KiB", 1024), ("MiB", 1_048_576), ("GiB", 1_073_741_824), ("TiB", 1_099_511_627_776),
        ("kB", 1e3), ("KB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12),
        ("K", 1024), ("M", 1_048_576), ("G", 1_073_741_824), ("T", 1_099_511_627_776), ("B", 1),
    ]

    static func parse(_ text: String) -> Int? {
        for unit in units where text.hasSuffix(unit.suffix) {
            return scaled(text.dropLast(unit.suffix.count), by: unit.factor)
        }
        return scaled(text[...], by: 1)
    }

    private static func scaled(_ digits: Substring, by factor: Double) -> Int? {
        guard let value = Double(digits), value.isFinite, value >= 0,
            value * factor < Double(Int.max)
        else { return nil }
        return Int(value * factor)
    }

    /// Three digits or so with a binary unit: `93.8 MiB`.
    static func text(_ count: Int) -> String {
        let steps = ["B", "KiB", "MiB", "GiB", "TiB"]
        var value = Double(count)
        var step = 0
        while value >= 1000, step < steps.count - 1 {
            value /= 1024
            step += 1
        }
        return step == 0 ? "\(count) B" : "\(value.rounded(toPlaces: 1)) \(steps[step])"
    }
}
