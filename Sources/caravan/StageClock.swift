// SPDX-License-Identifier: Apache-2.0

import Cluster
import Platform

/// How long each stage has computed, and how many steps there were, read at one moment.
struct StageClock {
    private let time: Duration
    private let computeSeconds: [Double]
    private let stepCount: Int
    /// Rows of a step, the mean of the latest that only produced tokens.
    let decodeRowsPerStep: Double

    init(_ coordinator: Coordinator) {
        let status = coordinator.status()
        computeSeconds = status.stages.map(\.computeSeconds)
        stepCount = status.flow.stepTime.count
        decodeRowsPerStep = status.measuredRowsPerStep
        time = MonotonicClock.now()
    }

    func stepCount(until end: StageClock) -> Int { end.stepCount - stepCount }

    /// The share of the time from here to `end` in which each stage computed.
    func busyShares(until end: StageClock) -> [Double] {
        let seconds = max((end.time - time) / .seconds(1), 1e-6)
        return zip(computeSeconds, end.computeSeconds).map { min(1, max(0, $1 - $0) / seconds) }
    }
}
