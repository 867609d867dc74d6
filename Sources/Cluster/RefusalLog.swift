// SPDX-License-Identifier: Apache-2.0

/// Decides which refused connections get a line in the log: a few in each interval, and one line
/// for all the others when it is over, so that nobody fills a disk by knocking.
package struct RefusalLog {
    private let lineCountMax: Int
    private let interval: Duration
    private var start: Duration?
    private var lineCount = 0
    private var untoldCount = 0

    package init(
        lineCountMax: Int = ClusterLimits.refusalLinesMax,
        interval: Duration = ClusterLimits.refusalInterval
    ) {
        self.lineCountMax = lineCountMax
        self.interval = interval
    }

    /// The lines to log at `now` about a connection from `peer` refused for `reason`.
    package mutating func refused(_ peer: String, _ reason: String, now: Duration) -> [String] {
        let lines = tick(now: now)
        if start == nil { start = now }
        guard lineCount < lineCountMax else {
            untoldCount += 1
            return lines
        }
        lineCount += 1
        return lines + ["refused a connection from \(peer): \(reason)"]
    }

    /// The summary of an interval that is over, if some had no line in it.
    package mutating func tick(now: Duration) -> [String] {
        guard let start, now - start >= interval else { return [] }
        defer {
            self.start = nil
            lineCount = 0
            untoldCount = 0
        }
        let seconds = interval.components.seconds
        return untoldCount == 0
            ? [] : ["refused \(untoldCount) more connections within \(seconds) s"]
    }

    /// How long from `now` until `tick` has something to say; nil for nothing.
    package func timeToSummary(now: Duration) -> Duration? {
        guard untoldCount > 0, let start else { return nil }
        return max(.zero, start + interval - now)
    }
}
