// SPDX-License-Identifier: Apache-2.0

/// The latest of many durations, for percentiles, and how many there were in all.
///
/// A ring of fixed size: adding allocates nothing once it is full.
package struct RecentDurations: Sendable {
    /// Durations of which percentiles are taken.
    package static let countMax = 1024

    private var microseconds: [UInt32] = []
    private var next = 0
    /// Since the start, as is `total`.
    package private(set) var count = 0
    package private(set) var total = Duration.zero

    package init() { microseconds.reserveCapacity(Self.countMax) }

    /// Adds one; beyond 71 minutes it counts as that long in the percentiles.
    package mutating func add(_ duration: Duration) {
        let value = UInt32(max(0, min(duration.inSeconds * 1e6, Double(UInt32.max))))
        if microseconds.count < Self.countMax {
            microseconds.append(value)
        } else {
            microseconds[next] = value
            next = (next + 1) % Self.countMax
        }
        count += 1
        total += duration
    }

    /// The smallest of the latest durations that at least each of `shares` (0...1) of them do not
    /// exceed, in microseconds (nearest rank); zeros before the first.
    package func percentiles(_ shares: [Double]) -> [Int] {
        let sorted = microseconds.sorted()
        return shares.map { share in
            let rank = Int((share * Double(sorted.count)).rounded(.up))
            return sorted.isEmpty ? 0 : Int(sorted[min(max(rank, 1), sorted.count) - 1])
        }
    }
}
