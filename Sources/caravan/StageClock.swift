// SPDX-License-Identifier: Apache-2.0

import Cluster
import Platform

/// How long each stage has computed, and how many steps there were, read at one moment.
struct StageClock {
    private let time: Duration
    private let computeSeconds: [Double]
    private let flow: FlowStatus

    init(_ coordinator: Coordinator) {
        let status = coordinator.status()
        computeSeconds = status.stages.map(\.computeSeconds)
        flow = status.flow
        time = MonotonicClock.now()
    }

    func stepCount(until end: StageClock) -> Int { end.flow.stepTime.count - flow.stepTime.count }

    /// Rows of a step, the mean of those from here to `end` that only produced tokens.
    func decodeRowsPerStep(until end: StageClock) -> Double {
        let steps = end.flow.decodeStepCount - flow.decodeStepCount
        return Double(end.flow.decodeRowCount - flow.decodeRowCount) / Double(max(1, steps))
    }

    /// The share of the time from here to `end` in which each stage computed.
    func busyShares(until end: StageClock) -> [Double] {
        let seconds = max((end.time - time) / .seconds(1), 1e-6)
        return zip(computeSeconds, end.computeSeconds).map { min(1, max(0, $1 - $0) / seconds) }
    }
}
