// SPDX-License-Identifier: Apache-2.0

import Wire

/// Splits a model's layers over workers by predicted time, subject to memory.
///
/// The order of workers is by name, those of one machine together, and then improved
/// (`SpeedPlanner+Orders`). It matters for who holds the head, and for the hops. Everything is
/// deterministic.
struct SpeedPlanner {
    /// Left-out workers for whom the plan with them is worked out.
    private static let reasonsMax = 16
    /// Tokens that a request's answer is assumed to have, after a prompt of
    /// `PlanPrediction.promptLength`.
    private static let answerLength = 128.0
    /// How much slower than the best the slowest stage may be for prompts, among the splits tried
    /// for one stream.
    private static let promptSlacks = [SpeedSplit.slack, 1.15, 1.5, 2.5]
    /// What a plan would gain if all had room for everything, from which memory is its limit.
    private static let memoryGain = 1.1

    let model: PlannerModel
    let goal: PlannerGoal
    /// As measured, in the order of their names.
    private let measured: (workers: [PlannerWorker], links: [WorkerPair: NetworkPath])
    /// The same made steady: the split is chosen by these.
    let workers: [PlannerWorker]
    let links: [WorkerPair: NetworkPath]
    private let cost: StageCost
    private let memorySums: [UInt64]
    /// What the stages' sum is for: one stream, or a step of many.
    private let load: StepLoad
    private let rates: [WorkerRates]
    /// Each worker's, wherever it stands.
    private let seats: [SpeedSplit.Seat]

    /// `workers` in the order of their names.
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
        cost = StageCost(work)
        load =
            goal.objective == .latency
            ? .decode(streams: 1, depth: goal.depth)
            : goal.decodeLoad(stageCount: workers.count)
        rates = steady.workers.map { Self.rates($0, among: steady.workers, goal) }
        seats = zip(workers, StageTable.tables(rates, cost, load)).map {
            SpeedSplit.Seat(
                times: $1,
                firstLayers: Self.firstLayers(model, sums, budgetBytes: $0.memoryBudgetBytes))
        }
    }

    /// A split with its price.
    struct Candidate {
        var order: [Int]
        var ranges: [Range<Int>]
        /// Of the slowest stage, with what its machine leaves it.
        var slowest: Double
        /// Of all stages and hops.
        var sum: Double

        /// Workers that have layers, with these.
        var serving: [(worker: Int, layers: Range<Int>)] {
            zip(order, ranges).filter { !$1.isEmpty }.map { ($0, $1) }
        }
    }

    /// nil where no order tried fits in memory.
    func plan() -> Plan? {
        guard var best = bestCandidate() else { return nil }
        if goal.objective == .latency { best = quickest(best, seats) }
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
        let roomy = seats.map { seat in
            var seat = seat
            seat.firstLayers = seat.firstLayers.map { _ in 0 }
            return seat
        }
        guard var free = candidate(best.order, roomy) else { return false }
        if goal.objective == .latency { free = quickest(free, roomy) }
        return goal.rate(of: prediction(free)) > goal.rate(of: found) * Self.memoryGain
    }

    // MARK: Splits

    func candidate(_ order: [Int], mustServe: Int? = nil) -> Candidate? {
        candidate(order, seats, mustServe: mustServe)
    }

    private func candidate(
        _ order: [Int], _ seats: [SpeedSplit.Seat], mustServe: Int? = nil
    ) -> Candidate? {
        let seated = seated(order, seats, mustServe: mustServe)
        let capped = goal.objective == .throughput ? seated.map(\.times) : nil
        return split.ranges(seated, capped: capped).map { priced(order, $0, seated) }
    }

    private func priced(
        _ order: [Int], _ ranges: [Range<Int>], _ seated: [SpeedSplit.Seat]
    ) -> Candidate {
        var candidate = Candidate(order: order, ranges: ranges, slowest: 0, sum: 0)
        for (seat, range) in zip(seated, ranges) where !range.isEmpty {
            let seconds = seat.times[range]
            candidate.slowest = max(candidate.slowest, seconds)
            candidate.sum += seconds
        }
        let serving = candidate.serving.map { workers[$0.worker] }
        candidate.sum += zip(serving, serving.dropFirst()).reduce(0) {
            $0 + hopSeconds(from: $1.0, to: $1.1)
        }
        return candidate
    }

    /// The order's split that answers one request soonest, from its prompt to its last token.
    ///
    /// The least sum would as soon give all layers to one worker as share them among equals, but a
    /// prompt's parts are computed by all stages at once.
    private func quickest(_ best: Candidate, _ seats: [SpeedSplit.Seat]) -> Candidate {
        let seated = seated(best.order, seats)
        let part = StepLoad.prefill(PipelinePace.leastChunk)
        let capped = StageTable.tables(best.order.map { rates[$0] }, cost, part)
        var result = best
        var least = requestSeconds(best)
        for slack in Self.promptSlacks {
            guard let ranges = split.ranges(seated, capped: capped, slack: slack) else { continue }
            let next = priced(best.order, ranges, seated)
            let seconds = requestSeconds(next)
            if seconds < least { (result, least) = (next, seconds) }
        }
        return result
    }

    private func requestSeconds(_ candidate: Candidate) -> Double {
        let pipeline = PredictedPipeline(
            stages: candidate.serving.map { (workers[$0.worker], $0.layers) }, cost: cost,
            links: links)
        return pipeline.firstToken(promptLength: PlanPrediction.promptLength, goal)
            + Self.answerLength * pipeline.trip(.decode(streams: 1, depth: goal.depth))
    }

    private var split: SpeedSplit { SpeedSplit(layerCount: cost.layerCount) }

    /// The workers' seats in that order, with the hops between them.
    private func seated(
        _ order: [Int], _ seats: [SpeedSplit.Seat], mustServe: Int? = nil
    ) -> [SpeedSplit.Seat] {
        order.indices.map { place in
            var seat = seats[order[place]]
            if place > 0 {
                seat.hopSeconds = hopSeconds(
                    from: workers[order[place - 1]], to: workers[order[place]])
            }
            seat.mustServe = order[place] == mustServe
            return seat
        }
    }

    private static func firstLayers(
        _ model: PlannerModel, _ sums: [UInt64], budgetBytes: UInt64
    ) -> [Int] {
        (0..<sums.count).map { end in
            var begin = end
            while begin > 0,
                model.needBytes(begin - 1..<end, layerSums: sums) <= budgetBytes
            {
                begin -= 1
            }
            return begin
        }
    }

    /// What a worker can count on: where many streams run, only its part of its machine.
    private static func rates(
        _ worker: PlannerWorker, among workers: [PlannerWorker], _ goal: PlannerGoal
    ) -> WorkerRates {
        let rates = WorkerRates(worker)
        guard goal.objective == .throughput else { return rates }
        let threads = workers.filter { $0.node == worker.node || $0.sharesHost(with: worker) }
            .reduce(0) { $0 + $1.threadCount }
        guard threads > worker.threadCount else { return rates }
        let host = Double(worker.speed.hostReadBytesPerSecond)
        let part = host * Double(worker.threadCount) / Double(threads)
        return rates.slowed(
            reading: host > 0 ? min(1, part / rates.readBytesPerSecond) : 1,
            computing: min(1, Double(worker.coreCount) / Double(threads)))
    }

    private func hopSeconds(from before: PlannerWorker, to worker: PlannerWorker) -> Double {
        PlanPrediction.path(before, worker, links)
            .seconds(Double(load.rowCount) * Double(cost.work.rowBytes))
    }

    // MARK: Those left out

    private func reason(_ index: Int, without best: Candidate, place: Int) -> String {
        let worker = workers[index]
        if worker.memoryBudgetBytes < model.leastBytes {
            return "one layer needs \(ByteCount(model.leastBytes)), it has "
                + "\(ByteCount(worker.memoryBudgetBytes))"
        }
        if workers.count > cost.layerCount {
            return "\(workers.count) workers share \(cost.layerCount) layers"
        }
        guard place < Self.reasonsMax else { return "a step would take no less time with it" }
        guard let with = candidate(best.order, mustServe: index) else {
            return "\(ByteCount(worker.memoryBudgetBytes)) is too little for the layers at its "
                + "place in the order"
        }
        func price(_ candidate: Candidate) -> Double {
            goal.objective == .throughput ? candidate.slowest : candidate.sum
        }
        guard price(with) > price(best) * SpeedSplit.slack else {
            return "it gains nothing: a step takes \(TimeSpan(price(best))) without it"
        }
        return "with it a step takes \(TimeSpan(price(with))), without \(TimeSpan(price(best)))"
    }
}
