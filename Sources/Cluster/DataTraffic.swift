// SPDX-License-Identifier: Apache-2.0

import Control
package import Wire

/// Bytes a second over a worker's data links, from the counters in its heartbeats.
package struct DataTraffic {
    private struct Reading {
        let time: Duration
        let received: UInt64
        let sent: UInt64
    }

    /// No link is that fast.
    private static let perSecondMax = 1e15

    private var latest: Reading?
    private var received: SlidingSum?
    private var sent: SlidingSum?

    package init() {}

    package mutating func note(_ heartbeat: Heartbeat, now: Duration) {
        let reading = Reading(
            time: now, received: heartbeat.receivedBytes, sent: heartbeat.sentBytes)
        defer { latest = reading }
        guard let latest else {
            received = SlidingSum(start: now)
            sent = SlidingSum(start: now)
            return
        }
        let span = now - latest.time
        received?.add(growth(latest.received, reading.received), over: span, endingAt: now)
        sent?.add(growth(latest.sent, reading.sent), over: span, endingAt: now)
    }

    package func receivedPerSecond(now: Duration) -> Int { rate(received, now) }

    package func sentPerSecond(now: Duration) -> Int { rate(sent, now) }

    /// Nothing is known of the time since the latest heartbeat.
    private func rate(_ sum: SlidingSum?, _ now: Duration) -> Int {
        let value = sum?.perSecond(now: min(now, latest?.time ?? now)) ?? 0
        // A peer may claim any count.
        return Int(min(value, Self.perSecondMax).rounded())
    }

}

/// A counter that shrinks is a lie of the peer's, and counts for nothing.
private func growth(_ old: UInt64, _ new: UInt64) -> Double {
    new > old ? Double(new - old) : 0
}
