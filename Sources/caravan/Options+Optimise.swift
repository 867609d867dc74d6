// SPDX-License-Identifier: Apache-2.0

import Control

extension Syntax.Option {
    static let optimise = Syntax.Option(
        "--optimise", "GOAL", "throughput (of all streams, the default) or latency (of one)")
}

extension Options {
    /// `--optimise`.
    func objective() throws(UsageError) -> PlannerGoal.Objective {
        guard let text = text("--optimise") else { return .throughput }
        guard let objective = PlannerGoal.Objective(rawValue: text) else {
            throw .badValue("--optimise", text, "throughput or latency")
        }
        return objective
    }
}
