// SPDX-License-Identifier: Apache-2.0

/// What a plan is to be good at.
package struct PlannerGoal: Sendable, Equatable {
    package enum Objective: String, Sendable, CaseIterable {
        /// All streams together: what counts is how many tokens a second they are predicted to
        /// have. The more they are, the more the slowest stage alone decides.
        case throughput
        /// One stream: what counts is the sum of all stages and hops, and its prompt.
        case latency
    }

    package var objective: Objective
    /// Sequences that generate at once.
    package var streams: Int
    /// Rows of one step of a prompt.
    package var rowCountMax: Int
    /// Positions that sequences are assumed to have: unless something else is known, those of the
    /// prompt whose first token is predicted.
    package var depth: Int

    package init(
        objective: Objective = .throughput, streams: Int = 1, rowCountMax: Int = 512,
        depth: Int = PlanPrediction.promptLength
    ) {
        self.objective = objective
        self.streams = streams
        self.rowCountMax = rowCountMax
        self.depth = depth
    }

    /// Steps in flight over `stageCount` stages as far as streams and stages alone say: one to each
    /// stage. How many there will be depends on the times (`PredictedPipeline.decoding`).
    func nominalStepsInFlight(stageCount: Int) -> Int {
        max(1, min(streams, stageCount))
    }

    /// The load of one of them.
    func decodeLoad(stageCount: Int) -> StepLoad {
        let steps = nominalStepsInFlight(stageCount: stageCount)
        return .decode(streams: (streams + steps - 1) / steps, depth: depth)
    }

    /// What counts of a prediction, in tokens a second.
    func rate(of prediction: PlanPrediction) -> Double {
        objective == .throughput
            ? prediction.tokensPerSecond : prediction.singleStreamTokensPerSecond
    }
}
