// SPDX-License-Identifier: Apache-2.0

/// What came in during the latest seconds: a sum over a window that slides with the time given.
///
/// The window is the running second and `secondCount` whole ones before it, or what of them lies
/// after the start. Its size is fixed: adding allocates nothing.
package struct SlidingSum: Sendable {
    /// Whole seconds that the window reaches back.
    package static let secondCount = 10

    /// The seconds `latest - secondCount...latest`, each at its number modulo the count.
    private var buckets = [Double](repeating: 0, count: SlidingSum.secondCount + 1)
    private var latest: Int
    private let start: Double

    /// Nothing has come in before `start`, a time since any fixed moment.
    package init(start: Duration) {
        self.start = start.inSeconds
        latest = Int(self.start)
    }

    /// Adds `amount`, which came in evenly during the `span` that ends `now`. What of it lies
    /// before the window is not counted, so a long span does not make a burst.
    package mutating func add(
        _ amount: Double, over span: Duration = .zero, endingAt now: Duration
    ) {
        let end = max(start, now.inSeconds)
        advance(to: Int(end))
        let begin = max(start, end - span.inSeconds)
        guard begin < end else {
            buckets[latest % buckets.count] += amount
            return
        }
        let rate = amount / (end - begin)
        for second in max(Int(begin), latest - Self.secondCount)...latest {
            let share = min(end, Double(second + 1)) - max(begin, Double(second))
            if share > 0 { buckets[second % buckets.count] += rate * share }
        }
    }

    package func sum(now: Duration) -> Double {
        let current = max(latest, Int(now.inSeconds))
        let first = max(0, current - Self.secondCount)
        guard first <= latest else { return 0 }
        return (first...latest).reduce(0) { $0 + buckets[$1 % buckets.count] }
    }

    /// The sum by the length of the window; 0 while that is 0.
    package func perSecond(now: Duration) -> Double {
        let end = now.inSeconds
        let length = end - max(start, Double(Int(end) - Self.secondCount))
        return length > 0 ? sum(now: now) / length : 0
    }

    private mutating func advance(to second: Int) {
        guard second > latest else { return }
        for stale in max(latest + 1, second - Self.secondCount)...second {
            buckets[stale % buckets.count] = 0
        }
        latest = second
    }
}
