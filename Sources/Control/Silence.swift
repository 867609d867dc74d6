// SPDX-License-Identifier: Apache-2.0

/// How long a peer has said nothing while this side could have heard it.
///
/// Where this process or its whole machine is stopped for a while, what the peer says is heard
/// late, and what it would have said is not said at all if it was stopped too: neither is the
/// peer's silence. So of the time between two looks no more than `gapMax` counts; whoever looks
/// more often than that measures true time. Time is a duration since any fixed start.
package struct Silence: Sendable {
    /// nil where all time counts.
    private let gapMax: Duration?
    private var lastHeard: Duration
    private var lastLook: Duration

    package init(gapMax: Duration?, now: Duration) {
        self.gapMax = gapMax
        lastHeard = now
        lastLook = now
    }

    /// Something has come at `time`, which may be a while ago.
    package mutating func heard(at time: Duration) { lastHeard = max(lastHeard, time) }

    /// Looks: how long it has lasted by `now`.
    package mutating func length(now: Duration) -> Duration {
        if let gapMax, now - lastLook > gapMax {
            lastHeard = min(now, lastHeard + (now - lastLook - gapMax))
        }
        lastLook = max(lastLook, now)
        return now - lastHeard
    }
}
