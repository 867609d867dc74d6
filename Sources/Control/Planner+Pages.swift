// SPDX-License-Identifier: Apache-2.0

import Wire

/// Memory for pages: as many as wanted where it suffices, fewer where not.
extension Planner {
    /// Throws how much is missing when no split fits even with the fewest pages. `links` are those
    /// measured so far.
    ///
    /// Where the wanted pages do not fit, half as many are tried, and so on: what a plan then has
    /// room for beside its weights is promised too. So layers are moved away from fast workers for
    /// at most twice the pages that the plan ends up with.
    package func plan(
        workers: [PlannerWorker], links: [WorkerPair: NetworkPath] = [:]
    ) throws(PlannerFailure) -> Plan {
        var plan = try planBesideThreads(workers: workers.map(besideThreads), links: links)
        for index in plan.stages.indices {
            let node = plan.stages[index].node
            let threadCount = workers.first { $0.node == node }?.threadCount ?? 0
            plan.stages[index].needBytes =
                plan.stages[index].needBytes.addingClamped(model.threadBytes(threadCount))
        }
        return plan
    }

    /// The worker without what its threads need: the rest is for a stage.
    func besideThreads(_ worker: PlannerWorker) -> PlannerWorker {
        var worker = worker
        let bytes = model.threadBytes(worker.threadCount)
        worker.memoryBudgetBytes -= min(bytes, worker.memoryBudgetBytes)
        return worker
    }

    private func planBesideThreads(
        workers: [PlannerWorker], links: [WorkerPair: NetworkPath]
    ) throws(PlannerFailure) -> Plan {
        guard let pages = model.pages else { return try splitPlan(workers: workers, links: links) }
        var count = pages.wanted
        while true {
            let planner = Planner(model: model.with(pageCount: count), goal: goal)
            do throws(PlannerFailure) {
                if count > pages.least { try planner.checkSum(workers) }
                let plan = try planner.splitPlan(workers: workers, links: links)
                return planner.filled(plan, pages, count: count, workers: workers)
            } catch {
                guard count > pages.least else { throw refusal(error, pages, workers) }
                count = max(pages.least, count / 2)
            }
        }
    }

    /// Spares the search where all memory together is too little.
    private func checkSum(_ workers: [PlannerWorker]) throws(PlannerFailure) {
        let need = model.needBytes(0..<model.layerBytes.count, layerSums: model.layerSums)
        let budget = workers.reduce(0 as UInt64) { $0.addingClamped($1.memoryBudgetBytes) }
        guard need <= budget else { throw .notEnoughMemory(missingBytes: need - budget) }
    }

    /// The plan with the pages that it leaves room for, of those wanted.
    private func filled(
        _ plan: Plan, _ pages: PageDemand, count: Int, workers: [PlannerWorker]
    ) -> Plan {
        var plan = plan
        plan.pageCount = min(pages.wanted, count + spareCount(plan, pages, workers))
        let more = pages.bytes((plan.pageCount ?? count) - count)
        for index in plan.stages.indices {
            let layerCount = UInt64(plan.stages[index].layers.count)
            plan.stages[index].needBytes =
                plan.stages[index].needBytes.addingClamped(more * layerCount)
        }
        return plan
    }

    /// Further pages for which every stage has room.
    private func spareCount(
        _ plan: Plan, _ pages: PageDemand, _ workers: [PlannerWorker]
    ) -> Int {
        plan.stages.map { stage in
            let budget = workers.first { $0.node == stage.node }?.memoryBudgetBytes ?? 0
            let (bytes, isOver) = pages.pageBytes.multipliedReportingOverflow(
                by: UInt64(stage.layers.count))
            guard bytes > 0, !isOver, budget > stage.needBytes else { return 0 }
            return Int(clamping: min((budget - stage.needBytes) / bytes, UInt64(pages.wanted)))
        }.min() ?? 0
    }

    /// With a single page it might fit: then it is the context that does not.
    private func refusal(
        _ failure: PlannerFailure, _ pages: PageDemand, _ workers: [PlannerWorker]
    ) -> PlannerFailure {
        func fits(_ count: Int) -> Bool {
            let planner = Planner(model: model.with(pageCount: count), goal: goal)
            return (try? planner.planByMemory(workers)) != nil
        }
        guard pages.least > 1, fits(1) else { return failure }
        var (low, high) = (1, pages.least)
        while high - low > 1 {
            let middle = (low + high) / 2
            if fits(middle) { low = middle } else { high = middle }
        }
        return .contextTooLong(
            wanted: pages.least * pages.pagePositionCount, fits: low * pages.pagePositionCount)
    }
}
