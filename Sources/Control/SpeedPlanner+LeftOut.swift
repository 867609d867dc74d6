// SPDX-License-Identifier: Apache-2.0

/// Why a plan does without workers.
extension SpeedPlanner {
    /// Left-out workers for whom the plan with them is worked out.
    private static let reasonsMax = 16

    /// Of worker `index`, the one at `place` among those left out.
    func reason(_ index: Int, without best: Candidate, place: Int) -> String {
        let worker = workers[index]
        if worker.memoryBudgetBytes < model.leastBytes {
            return "one layer needs \(ByteCount(model.leastBytes)), it has "
                + "\(ByteCount(worker.memoryBudgetBytes))"
        }
        if best.serving.count == cost.layerCount {
            return "\(workers.count) workers share \(cost.layerCount) layers"
        }
        guard place < Self.reasonsMax else { return "\(what) would take no less time with it" }
        let found = candidates(
            best.order, load: best.aim.load, slacks: slacks, mustServe: index)
        guard let with = found.min(by: { $0.seconds < $1.seconds }) else {
            return "\(ByteCount(worker.memoryBudgetBytes)) is too little for the layers at its "
                + "place in the order"
        }
        let without = TimeSpan(best.seconds)
        guard with.seconds > best.seconds * SpeedSplit.slack else {
            return "it gains nothing: \(what) takes \(without) without it"
        }
        return "with it \(what) takes \(TimeSpan(with.seconds)), without \(without)"
    }

    /// What a candidate's seconds are for.
    private var what: String {
        guard goal.objective == .throughput else { return "a step" }
        return goal.streams == 1 ? "a token" : "a token for each of \(goal.streams) streams"
    }
}
