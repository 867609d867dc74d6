// SPDX-License-Identifier: Apache-2.0

package import Wire

extension Membership {
    /// A part of each new measurement that goes into a worker's correction.
    private static let learningRate = 0.05
    /// Below this a measurement says nothing of the worker.
    private static let leastRatio = 0.02
    /// What is farther from what is known counts as so far: it may be a hiccup.
    private static let surprise = 2.0

    /// How far a worker is away from the coordinator; counts from the next plan on.
    package mutating func measured(path: NetworkPath, of node: NodeID) {
        guard let index = roster.firstIndex(where: { $0.info.node == node }) else { return }
        roster[index].path = path
    }

    /// How far the worker of the next stage is; counts from the next plan on.
    package mutating func measuredNext(path: NetworkPath, of node: NodeID) {
        guard let stages = plan?.stages, let place = stages.firstIndex(where: { $0.node == node }),
            place + 1 < stages.count
        else { return }
        links[WorkerPair(from: node, to: stages[place + 1].node)] = path
    }

    /// A step of decode rows has come back with its trail: what each stage took, against what it
    /// should have taken, corrects the estimates. Unless it was alone in the pipeline, stages that
    /// share a machine were in each other's way.
    package mutating func measured(
        _ load: StepLoad, isAlone: Bool = true, trail: [StageTiming]
    ) {
        guard let assignment, let cost else { return }
        let stages = assignment.plan.stages
        for timing in trail {
            let place = Int(timing.stage)
            guard stages.indices.contains(place), isAlone || assignment.isAlone[place],
                let index = roster.firstIndex(where: { $0.info.node == stages[place].node }),
                roster[index].info.speed.isMeasured
            else { continue }
            var worker = plannerWorker(roster[index])
            let known = worker.correction
            worker.correction = 1
            let predicted = cost.seconds(stages[place].layers, load, on: WorkerRates(worker))
            let ratio = Double(timing.computeMicroseconds) / 1e6 / predicted
            guard ratio >= Self.leastRatio, ratio.isFinite else { continue }
            let counted = min(max(ratio, known / Self.surprise), known * Self.surprise)
            roster[index].correction = Correction(
                value: known + Self.learningRate * (counted - known), at: now,
                speed: roster[index].info.speed)
            drift.measured.insert(stages[place].node)
        }
    }

    /// What later steps have shown of a worker, or else of the others: measured by predicted stage
    /// times.
    package func correction(of node: NodeID) -> Double {
        roster.first { $0.info.node == node }.map(correction) ?? 1
    }

    /// What all have in common lies in the prediction, not in them: nobody is the faster for not
    /// having been measured.
    private func correction(of member: Member) -> Double {
        if let correction = member.correction { return correction.value }
        let others = roster.compactMap(\.correction?.value).sorted()
        return others.isEmpty ? 1 : others[others.count / 2]
    }

    mutating func rememberCorrection(of member: Member) {
        corrections = corrections.filter { now - $0.value.at < RepeatedLoss.memory }
        guard let correction = member.correction else { return }
        corrections[member.info.home] = correction
    }

    /// What was measured of the worker when it was here lately; nil if it has changed since.
    func rememberedCorrection(of worker: MemberInfo) -> Correction? {
        guard let known = corrections[worker.home], known.speed == worker.speed,
            now - known.at < RepeatedLoss.memory
        else { return nil }
        return known
    }

    func plannerWorker(_ member: Member) -> PlannerWorker {
        let info = member.info
        return PlannerWorker(
            node: info.node, name: info.name, memoryBudgetBytes: info.memoryBudgetBytes,
            speed: info.speed, host: info.host, threadCount: info.threadCount,
            coreCount: info.coreCount, path: member.path, correction: correction(of: member))
    }
}

/// What steps have shown of a worker.
struct Correction: Sendable {
    /// Its stage times as measured by those predicted.
    let value: Double
    /// When the latest step was measured.
    let at: Duration
    /// What the worker said of itself.
    let speed: WorkerSpeed
}
