// SPDX-License-Identifier: Apache-2.0

import Wire

/// Splits a model's layers over workers: by predicted time over those that measured themselves, or
/// where these do not suffice in proportion to the memory of all.
///
/// By memory, layers go in contiguous runs to the workers in the order given; where nothing fits
/// so, in an order with the roomiest at the ends. Of all such splits that fit, the planner takes
/// one that leaves out the fewest workers and, among those, fills the fullest worker least. Found
/// by dynamic programming over (workers, layers): 126 layers on 64 workers are 5·10⁵ splits to
/// look at.
package struct Planner: Sendable {
    package let model: PlannerModel
    package let goal: PlannerGoal

    package init(model: PlannerModel, goal: PlannerGoal = PlannerGoal()) {
        self.model = model
        self.goal = goal
    }

    /// A plan with the model's KV cache as it is. Throws how much is missing when no split fits.
    func splitPlan(
        workers: [PlannerWorker], links: [WorkerPair: NetworkPath]
    ) throws(PlannerFailure) -> Plan {
        let measured = workers.filter(\.speed.isMeasured)
        if let work = model.work, !measured.isEmpty {
            let speedPlanner = SpeedPlanner(
                model: model, work: work, goal: goal, workers: measured, links: links)
            if var plan = speedPlanner.plan() {
                plan.leftOut += workers.filter { !$0.speed.isMeasured }.map {
                    LeftOutWorker(
                        node: $0.node, name: $0.name, reason: "it did not measure itself")
                }
                return plan
            }
        }
        return try planByMemory(workers)
    }

    /// What a split can be expected to do by the present estimates of `workers`; nil where one of
    /// them is not among these or did not measure itself.
    func prediction(
        of stages: [PlannedStage], workers: [PlannerWorker], links: [WorkerPair: NetworkPath]
    ) -> PlanPrediction? {
        guard let work = model.work else { return nil }
        var serving: [(worker: PlannerWorker, layers: Range<Int>)] = []
        for stage in stages {
            guard let worker = workers.first(where: { $0.node == stage.node }),
                worker.speed.isMeasured
            else { return nil }
            serving.append((besideThreads(worker), stage.layers))
        }
        let sums = model.layerSums
        return PlanPrediction(
            stages: serving, cost: StageCost(work), goal: goal, links: links,
            memory: { model.needBytes($0, layerSums: sums) },
            kvBytesPerLayer: model.kvBytesPerLayer)
    }

    func planByMemory(_ workers: [PlannerWorker]) throws(PlannerFailure) -> Plan {
        let sums = model.layerSums
        guard !workers.isEmpty else {
            let whole = model.needBytes(0..<model.layerBytes.count, layerSums: sums)
            throw .notEnoughMemory(missingBytes: whole)
        }
        var (order, cost, ranges) = split(workers, sums)
        for other in workers.ordersWithRoomyEnds where cost.overrunBytes > 0 {
            let found = split(other.map { workers[$0] }, sums)
            if found.cost < cost { (order, cost, ranges) = found }
        }
        guard cost.overrunBytes == 0 else {
            throw .notEnoughMemory(missingBytes: cost.overrunBytes)
        }
        var plan = Plan(stages: [])
        for (worker, range) in zip(order, ranges) {
            if range.isEmpty {
                let reason = reasonToLeaveOut(worker, workerCount: workers.count)
                plan.leftOut.append(
                    LeftOutWorker(node: worker.node, name: worker.name, reason: reason))
            } else {
                let need = model.needBytes(range, layerSums: sums)
                plan.stages.append(
                    PlannedStage(
                        node: worker.node, name: worker.name, layers: range, needBytes: need))
            }
        }
        return plan
    }

    /// The cheapest split in this order: a range for each worker, empty for those left out.
    private func split(
        _ workers: [PlannerWorker], _ sums: [UInt64]
    ) -> (workers: [PlannerWorker], cost: SplitCost, ranges: [Range<Int>]) {
        let layerCount = model.layerBytes.count
        // best[l]: the cheapest way for the workers so far to hold layers 0..<l.
        var best = [SplitCost?](repeating: nil, count: layerCount + 1)
        best[0] = SplitCost()
        var starts = SplitStarts()
        for worker in workers {
            var next = best.map { $0?.leavingOut() }
            var start = Array(0...layerCount)
            for end in 1...layerCount {
                for begin in 0..<end {
                    guard let before = best[begin] else { continue }
                    let need = model.needBytes(begin..<end, layerSums: sums)
                    let cost = before.adding(need, budget: worker.memoryBudgetBytes)
                    if next[end].map({ cost < $0 }) ?? true {
                        next[end] = cost
                        start[end] = begin
                    }
                }
            }
            best = next
            starts.append(start)
        }
        let cost = best[layerCount] ?? SplitCost()
        return (workers, cost, starts.ranges(layerCount: layerCount))
    }

    private func reasonToLeaveOut(_ worker: PlannerWorker, workerCount: Int) -> String {
        let budget = worker.memoryBudgetBytes
        if budget < model.leastBytes {
            return "one layer needs \(ByteCount(model.leastBytes)), it has \(ByteCount(budget))"
        }
        let layerCount = model.layerBytes.count
        if workerCount > layerCount { return "\(workerCount) workers share \(layerCount) layers" }
        return "\(ByteCount(budget)) is too little for the layers at its place in the order"
    }
}

/// Why no plan is possible.
package enum PlannerFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// The least that would have to be added to the workers there are.
    case notEnoughMemory(missingBytes: UInt64)
    /// The weights fit, but not the pages of one sequence of `wanted` positions.
    case contextTooLong(wanted: Int, fits: Int)

    package var description: String {
        switch self {
        case .notEnoughMemory(let bytes):
            "the workers' memory is \(ByteCount(bytes)) short; add a worker, or give one more "
                + "--memory"
        case .contextTooLong(let wanted, let fits):
            "beside the weights the workers' memory holds a context of \(fits) tokens, not "
                + "\(wanted); serve with --context \(fits) or --kv q8, add a worker, or give one "
                + "more --memory"
        }
    }
}
