// SPDX-License-Identifier: Apache-2.0

import Control
import Platform

/// What flows through the cluster, as `caravan status` shows it.
package struct FlowStatus: Sendable, Codable {
    /// Rates and shares are over at most this many of the latest seconds.
    package var windowSeconds = SlidingSum.secondCount
    package var stepsPerSecond = 0.0
    package var rowsPerSecond = 0.0
    /// Of what `ClusterStatus.promptTokens` counts.
    package var promptTokensPerSecond = 0.0
    package var generatedTokensPerSecond = 0.0
    /// The share of time in which a step was on its way, up to now.
    package var busyShare = 0.0
    /// The share of all stages' time in which they did not compute although a step was on its way,
    /// up to the latest answer; absent when there was none.
    package var bubbleShare: Double?
    /// Since the plan began, of steps that only produced tokens.
    package var decodeStepCount = 0
    package var decodeRowCount = 0
    /// From a step's sending to its candidates' arrival.
    package var stepTime = LatencyStatus()
    /// From a request's submission to its first token, waiting included.
    package var timeToFirstToken = LatencyStatus()
    /// From one token of a request to the next; of several that one step gives, their shares.
    package var interTokenTime = LatencyStatus()

    package init() {}
}

/// Percentiles over the latest `RecentDurations.countMax` durations; 0 before the first.
package struct LatencyStatus: Sendable, Codable, Equatable {
    package var p50Microseconds = 0
    package var p90Microseconds = 0
    package var p99Microseconds = 0
    /// Since the start, as is the total.
    package var count = 0
    package var totalSeconds = 0.0

    package init() {}

    init(_ durations: RecentDurations) {
        let values = durations.percentiles([0.5, 0.9, 0.99])
        p50Microseconds = values[0]
        p90Microseconds = values[1]
        p99Microseconds = values[2]
        count = durations.count
        totalSeconds = durations.total.seconds
    }
}

/// One request that waits or runs.
package struct StreamStatus: Sendable, Codable {
    package enum State: String, Sendable, Codable {
        /// It has no slot: not yet, or it had to make room.
        case waiting
        /// Its prompt is being computed.
        case prefill
        case generating
    }

    package var id: UInt64
    package var state: State
    package var promptTokens: Int
    package var generatedTokens: Int
    /// Since its first token; 0 before the second.
    package var tokensPerSecond: Double
    package var ageSeconds: Double

    package init(
        id: UInt64, state: State, promptTokens: Int, generatedTokens: Int,
        tokensPerSecond: Double, ageSeconds: Double
    ) {
        self.id = id
        self.state = state
        self.promptTokens = promptTokens
        self.generatedTokens = generatedTokens
        self.tokensPerSecond = tokensPerSecond
        self.ageSeconds = ageSeconds
    }
}

/// Something that happened to the cluster.
package struct EventStatus: Sendable, Codable {
    package var kind: RecentEvents.Kind
    package var text: String
    package var secondsAgo: Double

    package init(kind: RecentEvents.Kind, text: String, secondsAgo: Double) {
        self.kind = kind
        self.text = text
        self.secondsAgo = secondsAgo
    }
}
