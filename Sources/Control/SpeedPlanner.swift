// SPDX-License-Identifier: Apache-2.0

import Wire

/// Splits a model's layers over workers by predicted time, subject to memory.
///
/// For many streams what counts is how soon each of them has its next token, for one stream how
/// soon its request is answered. Neither can be found at once: rows share the weights that a step
/// reads, so that few streams are served best by few stages and many by many. So for some loads of
/// a step, and some bounds on the slowest stage, the split with the least sum is found
/// (`SpeedPlanner+Splits`), and what the streams would see of it is predicted as `caravan plan`
/// shows it.
///
/// The order of workers is by name, those of one machine together, or where that does not fit one
/// with the roomiest at the ends, and then improved (`SpeedPlanner+Orders`). It matters for who
/// holds the head, and for the hops. Everything is deterministic.
struct SpeedPlanner {
    /// What a plan would gain if all had room for everything, from which memory is its limit.
    private static let memoryGain = 1.1
    /// So many workers at most are planned for one stream too, to compare: with more that would
    /// take longer than all the rest.
    private static let comparedMax = 16
    /// Times that differ by less are the same, added up in another order.
    private static let rounding = 1e-9

    let model: PlannerModel
    let goal: PlannerGoal
    /// As measured, in the order of their names.
    private let measured: (workers: [PlannerWorker], links: [WorkerPair: NetworkPath])
    /// The same made steady: the split is chosen by these.
    let workers: [PlannerWorker]
    let links: [WorkerPair: NetworkPath]
    let cost: StageCost
    let memorySums: [UInt64]
    /// What splits are looked for with, what is to be preferred first.
    private(set) var loads: [SeatedLoad]
    let slacks: [Double]
    private let isSpread: Bool

    /// `workers` in the order of their names; at least one.
    init(
        model: PlannerModel, work: ModelWork, goal: PlannerGoal, workers: [PlannerWorker],
        links: [WorkerPair: NetworkPath]
    ) {
        self.model = model
        self.goal = goal
        measured = (workers, links)
        let steady = SteadyEstimates.of(workers, links: links)
        self.workers = steady.workers
        self.links = steady.links
        let sums = model.layerSums
        memorySums = sums
        let cost = StageCost(work)
        self.cost = cost
        let isSpread = Self.areSpread(workers)
        self.isSpread = isSpread
        slacks = Self.slacks(goal, isSpread: isSpread)
        let firstLayers = workers.map {
            Self.firstLayers(model, sums, budgetBytes: $0.memoryBudgetBytes)
        }
        loads = Self.loads(goal, workerCount: workers.count, isSpread: isSpread).map { load in
            let rates = steady.workers.map { worker in
                load.isShared ? Self.rates(worker, among: steady.workers) : WorkerRates(worker)
            }
            return SeatedLoad(load.step, rates: rates, cost: cost, firstLayers: firstLayers)
        }
    }

    /// What a split is looked for with.
    struct Aim: Equatable {
        /// Of `loads`.
        var load: Int
        /// How much slower than it has to be the slowest stage may be.
        var slack: Double
    }

    /// A split with its price.
    struct Candidate {
        var order: [Int]
        var ranges: [Range<Int>]
        /// What it was found with.
        var aim: Aim
        /// What counts, the less the better: until each of the goal's streams has its next token
        /// or, for one stream, all stages and hops.
        var seconds = 0.0

        /// Workers that have layers, with these.
        var serving: [(worker: Int, layers: Range<Int>)] {
            zip(order, ranges).filter { !$1.isEmpty }.map { ($0, $1) }
        }
    }

    /// nil where no order tried fits in memory.
    func plan() -> Plan? {
        guard let best = chosenSplit() else { return nil }
        var plan = Plan(stages: [])
        for (index, range) in best.serving {
            plan.stages.append(
                PlannedStage(
                    node: workers[index].node, name: workers[index].name, layers: range,
                    needBytes: model.needBytes(range, layerSums: memorySums)))
        }
        var found = prediction(best)
        if isHeldByMemory(best, found) { found.limit = .memory }
        plan.prediction = found
        let leftOut = zip(best.order, best.ranges).filter { $1.isEmpty }.map(\.0).sorted()
        plan.leftOut = leftOut.enumerated().map { place, index in
            LeftOutWorker(
                node: workers[index].node, name: workers[index].name,
                reason: reason(index, without: best, place: place))
        }
        return plan
    }

    private func chosenSplit() -> Candidate? {
        guard goal.objective == .throughput else { return bestCandidate().map(quickest) }
        guard let single = splitForOneStream() else { return bestCandidate() }
        guard let found = bestCandidate() else { return single }
        // What is shown decides; but where the steady figures see no difference, noise does not.
        let gain = prediction(single).tokensPerSecond / prediction(found).tokensPerSecond
        let isTie = single.seconds >= found.seconds * (1 - Self.rounding)
        return gain * (isTie ? 1 - Self.gainMin : 1) > 1 ? single : found
    }

    /// The split that one stream alone would be served by: all streams are to have no less of
    /// theirs than of it.
    private func splitForOneStream() -> Candidate? {
        guard isSpread, workers.count <= Self.comparedMax else { return nil }
        var goal = goal
        goal.objective = .latency
        let planner = SpeedPlanner(
            model: model, work: cost.work, goal: goal, workers: measured.workers,
            links: measured.links)
        return planner.chosenSplit().map { priced($0.order, $0.ranges, $0.aim) }
    }

    /// By the exact figures.
    private func prediction(_ candidate: Candidate) -> PlanPrediction {
        PlanPrediction(
            stages: candidate.serving.map { (measured.workers[$0.worker], $0.layers) }, cost: cost,
            goal: goal, links: measured.links,
            memory: { model.needBytes($0, layerSums: memorySums) },
            kvBytesPerLayer: model.kvBytesPerLayer)
    }

    /// Whether the plan would be faster if every worker, at its place, had room for everything.
    private func isHeldByMemory(_ best: Candidate, _ found: PlanPrediction) -> Bool {
        var roomy = self
        roomy.loads = loads.map(\.roomy)
        guard var free = roomy.bestSplit(in: best.order) else { return false }
        if goal.objective == .latency { free = roomy.quickest(free) }
        return goal.rate(of: prediction(free)) > goal.rate(of: found) * Self.memoryGain
    }
}
