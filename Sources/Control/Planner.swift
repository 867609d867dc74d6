// SPDX-License-Identifier: Apache-2.0

package import Wire

/// Splits a model's layers over workers in proportion to their memory.
///
/// Layers go in contiguous runs to the workers in the order given. Of all such splits that fit, the
/// planner takes one that leaves out the fewest workers and, among those, fills the fullest worker
/// least. Found by dynamic programming over (workers, layers): 126 layers on 64 workers are 5·10⁵
/// splits to look at.
package struct Planner: Sendable {
    package let model: PlannerModel

    package init(model: PlannerModel) { self.model = model }

    /// Throws how much is missing when no split fits.
    package func plan(workers: [PlannerWorker]) throws(PlannerFailure) -> Plan {
        let sums = model.layerSums
        guard !workers.isEmpty else {
            let whole = model.needBytes(0..<model.layerBytes.count, layerSums: sums)
            throw .notEnoughMemory(missingBytes: whole)
        }
        let (cost, ranges) = bestSplit(workers, sums)
        guard cost.overrunBytes == 0 else {
            throw .notEnoughMemory(missingBytes: cost.overrunBytes)
        }
        var plan = Plan(stages: [])
        for (worker, range) in zip(workers, ranges) {
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

    /// The cheapest split: a range for each worker, empty for those left out.
    private func bestSplit(
        _ workers: [PlannerWorker], _ sums: [UInt64]
    ) -> (cost: SplitCost, ranges: [Range<Int>]) {
        let layerCount = model.layerBytes.count
        // best[l]: the cheapest way for the workers so far to hold layers 0..<l.
        var best = [SplitCost?](repeating: nil, count: layerCount + 1)
        best[0] = SplitCost()
        // starts[w][l]: where worker w's range begins if it ends at l.
        var starts: [[Int]] = []
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
        var ranges: [Range<Int>] = []
        var end = layerCount
        for start in starts.reversed() {
            ranges.append(start[end]..<end)
            end = start[end]
        }
        return (best[layerCount] ?? SplitCost(), ranges.reversed())
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

/// What the planner needs to know of a worker.
package struct PlannerWorker: Sendable, Equatable {
    package var node: NodeID
    package var name: String
    package var memoryBudgetBytes: UInt64

    package init(node: NodeID, name: String, memoryBudgetBytes: UInt64) {
        self.node = node
        self.name = name
        self.memoryBudgetBytes = memoryBudgetBytes
    }
}

/// Why no plan is possible.
package enum PlannerFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// The least that would have to be added to the workers there are.
    case notEnoughMemory(missingBytes: UInt64)

    package var description: String {
        switch self {
        case .notEnoughMemory(let bytes):
            "the workers' memory is \(ByteCount(bytes)) short; add a worker, give one more "
                + "--memory, or serve with a smaller --context or --slots"
        }
    }
}
