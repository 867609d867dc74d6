// SPDX-License-Identifier: Apache-2.0

import Control
import Platform
import Wire

/// What is told of a cluster, and learnt from it.
extension ClusterBackend {
    func describe(in status: inout ClusterStatus) {
        let now = MonotonicClock.now()
        let state = shortage == nil ? membership.state : .loading
        status.state = state.rawValue
        status.detail = shortage ?? membership.detail
        status.epoch = Int(membership.epoch)
        status.shippedBytes = shippedBytes
        fillPrediction(of: &status)
        status.stages = (membership.plan?.stages ?? []).enumerated().compactMap { index, planned in
            guard let member = members[planned.node] else { return nil }
            var stage = member.status(stage: index, layers: planned.layers, now: now)
            if let times = membership.plan?.prediction?.stages, index < times.count {
                stage.predictedMicrosecondsPerToken = Int(min(times[index].seconds * 1e6, 1e15))
            }
            return stage
        }
        status.events = events.status(now: now)
    }

    /// Since this coordinator's start, to workers that have gone as well.
    var shippedBytes: Int {
        members.values.reduce(departedShippedBytes) { $0 + $1.shippedBytes }
    }

    private func fillPrediction(of status: inout ClusterStatus) {
        status.members = membership.members.compactMap { info in
            members[info.node]?.status(
                role: membership.role(of: info.node), note: membership.note(on: info.node),
                correction: membership.correction(of: info.node))
        }
        guard let prediction = membership.plan?.prediction else { return }
        status.predictedTokensPerSecond = prediction.singleStreamTokensPerSecond
        status.predictedTokensPerSecondOfAllSlots = prediction.tokensPerSecond
        status.predictedDepth = prediction.depth
    }

    func learn(from passage: StageTimes.Passage, trail: [StageTiming]) {
        guard let load = passage.load else { return }
        membership.measured(load, isAlone: passage.isAlone, trail: trail)
    }
}
