// SPDX-License-Identifier: Apache-2.0

/// How long a worker waits between its attempts to reach the coordinator: ever longer up to a
/// bound, so that a cluster whose coordinator is away for a night is quiet.
package struct JoinPauses {
    /// nil to go on for ever.
    private let deadline: Duration?
    private var pauses = DoublingPause(
        from: ClusterLimits.joinRetryInterval, to: ClusterLimits.joinRetryIntervalMax)

    /// With `patience` it gives up once that has passed; time is a duration since any fixed start.
    package init(patience: Duration?, now: Duration) { deadline = patience.map { now + $0 } }

    /// Before the next attempt; nil where there is to be none.
    package mutating func next(now: Duration) -> Duration? {
        if let deadline, now >= deadline { return nil }
        return pauses.next()
    }
}
