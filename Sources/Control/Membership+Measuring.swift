// SPDX-License-Identifier: Apache-2.0

package import Wire

extension Membership {
    /// A part of each new measurement that goes into a worker's correction.
    private static let learningRate = 0.05
    /// Beyond these a measurement says more of a hiccup than of the worker.
    private static let plausible = 0.02...50.0

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

    /// A step that was alone in the pipeline has come back with its trail: what each stage took,
    /// against what it should have taken, corrects the estimates.
    package mutating func measured(_ load: StepLoad, trail: [StageTiming]) {
        guard let stages = plan?.stages, let cost else { return }
        for timing in trail where stages.indices.contains(Int(timing.stage)) {
            let stage = stages[Int(timing.stage)]
            guard let index = roster.firstIndex(where: { $0.info.node == stage.node }),
                roster[index].info.speed.isMeasured
            else { continue }
            var worker = plannerWorker(roster[index])
            worker.correction = 1
            let predicted = cost.seconds(stage.layers, load, on: WorkerRates(worker))
            let ratio = Double(timing.computeMicroseconds) / 1e6 / predicted
            guard Self.plausible.contains(ratio) else { continue }
            roster[index].correction += Self.learningRate * (ratio - roster[index].correction)
        }
    }

    /// What later steps have shown of a worker: measured by predicted stage times.
    package func correction(of node: NodeID) -> Double {
        roster.first { $0.info.node == node }?.correction ?? 1
    }

    func plannerWorker(_ member: Member) -> PlannerWorker {
        let info = member.info
        return PlannerWorker(
            node: info.node, name: info.name, memoryBudgetBytes: info.memoryBudgetBytes,
            speed: info.speed, host: info.host, threadCount: info.threadCount,
            coreCount: info.coreCount, path: member.path, correction: member.correction)
    }
}
