// SPDX-License-Identifier: Apache-2.0

/// A link's latest round trips, of which the least counts: whatever keeps a machine busy for a
/// moment only ever makes one longer, and a plan may hang on it.
package struct RecentRoundTrips {
    /// So a way that did become longer shows after as many heartbeats.
    package static let countMax = 8

    private var microseconds: [Int] = []
    private var next = 0

    package init() { microseconds.reserveCapacity(Self.countMax) }

    /// Adds one; one that took no time that the clock shows counts as 1 µs.
    package mutating func add(_ value: Int) {
        let value = max(1, value)
        if microseconds.count < Self.countMax {
            microseconds.append(value)
        } else {
            microseconds[next] = value
            next = (next + 1) % Self.countMax
        }
    }

    /// In microseconds; nil before the first.
    package var least: Int? { microseconds.min() }
}
