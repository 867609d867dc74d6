// SPDX-License-Identifier: Apache-2.0

import Cluster
import Platform

/// How long each stage has computed, read at one moment.
struct StageClock {
    private let time: Duration
    private let computeSeconds: [Double]

    init(_ coordinator: Coordinator) {
        computeSeconds = coordinator.status().stages.map(\.computeSeconds)
        time = MonotonicClock.now()
    }

    /// The share of the time from here to `end` in which each stage computed.
    func busyShares(until end: StageClock) -> [Double] {
        let seconds = max((end.time - time) / .seconds(1), 1e-6)
        return zip(computeSeconds, end.computeSeconds).map { min(1, max(0, $1 - $0) / seconds) }
    }
}
