// SPDX-License-Identifier: Apache-2.0

import Wire

/// Splits a model's layers over workers by predicted time, subject to memory.
///
/// The order of workers is by name, those of one machine together, and then improved: of a few
/// workers every order is tried, of more those that swaps lead to. It matters for who holds the
/// head, and for the hops. Everything is deterministic, and an order is only left for one that
/// gains `gainMin`.
struct SpeedPlanner {
    /// Two workers change places only if a plan gains this from it.
    private static let gainMin = 0.02
    /// Splits tried for better orders.
    private static let trialsMax = 300
    /// So few workers are tried in every order.
    private static let permutedMax = 5
    /// Left-out workers for whom the plan with them is worked out.
    private static let reasonsMax = 16
    /// Tokens that a request's answer is assumed to have, after a prompt of
    /// `PlanPrediction.promptLength`.
    private static let answerLength = 128.0
    /// How much slower than the best the slowest stage may be for prompts, among the splits tried
    /// for one stream.
    private static let promptSlacks = [SpeedSplit.slack, 1.15, 1.5, 2.5]

    let model: PlannerModel
    let goal: PlannerGoal
    let links: [WorkerPair: NetworkPath]
    private let cost: StageCost
    private let memorySums: [UInt64]

    init(
        model: PlannerModel, work: ModelWork, goal: PlannerGoal, links: [WorkerPair: NetworkPath]
    ) {
        self.model = model
        self.goal = goal
        self.links = links
        cost = StageCost(work)
        memorySums = model.layerSums
    }

    /// A split with its price.
    private struct Candidate {
        var order: [Int]
        var ranges: [Range<Int>]
        /// Of the slowest stage, with what its machine leaves it.
        var slowest: Double
        /// Of all stages and hops.
        var sum: Double
    }

    /// nil where no order tried fits in memory; `workers` in the order of their names.
    func plan(_ workers: [PlannerWorker]) -> Plan? {
        let steady = SteadyEstimates.of(workers)
        guard var best = bestCandidate(steady) else { return nil }
        if goal.objective == .latency { best = quickest(best, steady) }
        var plan = Plan(stages: [])
        for (index, range) in zip(best.order, best.ranges) where !range.isEmpty {
            plan.stages.append(
                PlannedStage(
                    node: workers[index].node, name: workers[index].name, layers: range,
                    needBytes: model.needBytes(range, layerSums: memorySums)))
        }
        let serving = zip(best.order, best.ranges).filter { !$1.isEmpty }
        plan.prediction = PlanPrediction(
            stages: serving.map { (workers[$0], $1) }, cost: cost, goal: goal, links: links,
            memory: { model.needBytes($0, layerSums: memorySums) },
            kvBytesPerLayer: model.kvBytesPerLayer)
        let leftOut = zip(best.order, best.ranges).filter { $1.isEmpty }.map(\.0).sorted()
        plan.leftOut = leftOut.enumerated().map { place, index in
            LeftOutWorker(
                node: workers[index].node, name: workers[index].name,
                reason: reason(index, steady, without: best, place: place))
        }
        return plan
    }

    // MARK: Orders

    private func bestCandidate(_ workers: [PlannerWorker]) -> Candidate? {
        let first = initialOrder(workers)
        var best = candidate(first, workers)
        func offer(_ order: [Int], to best: inout Candidate?) {
            guard let next = candidate(order, workers) else { return }
            if best.map({ isBetter(next, than: $0) }) ?? true { best = next }
        }
        guard !areAllAlike(workers) else { return best }
        if workers.count <= Self.permutedMax {
            for order in permutations(first) { offer(order, to: &best) }
            return best
        }
        var trials = 0
        while trials < Self.trialsMax {
            let order = best?.order ?? first
            var next = best
            for (a, b) in pairs(workers.count) where trials < Self.trialsMax {
                guard !areAlike(workers[order[a]], workers[order[b]]) else { continue }
                trials += 1
                var swapped = order
                swapped.swapAt(a, b)
                offer(swapped, to: &next)
            }
            guard let next, next.order != best?.order else { break }
            best = next
        }
        return best
    }

    private func areAllAlike(_ workers: [PlannerWorker]) -> Bool {
        workers.dropFirst().allSatisfy { areAlike($0, workers[0]) }
    }

    private func permutations(_ order: [Int]) -> [[Int]] {
        guard order.count > 1 else { return [order] }
        return order.indices.flatMap { index in
            var rest = order
            let head = rest.remove(at: index)
            return permutations(rest).map { [head] + $0 }
        }
    }

    /// The last place first: it has the head. Then the first, which has the embedding.
    private func pairs(_ count: Int) -> [(Int, Int)] {
        let last = (0..<max(0, count - 1)).map { ($0, count - 1) }
        let first = (1..<max(1, count - 1)).map { (0, $0) }
        guard count <= 16 else { return last + first }
        let others = (1..<count - 2).flatMap { a in (a + 1..<count - 1).map { (a, $0) } }
        return last + first + others
    }

    /// As the workers come, but with those of a machine behind its first.
    private func initialOrder(_ workers: [PlannerWorker]) -> [Int] {
        var order: [Int] = []
        for index in workers.indices where !order.contains(index) {
            order.append(index)
            order += workers.indices.filter {
                $0 > index && !order.contains($0) && workers[$0].sharesHost(with: workers[index])
            }
        }
        return order
    }

    /// Whether a swap of the two can change nothing.
    private func areAlike(_ a: PlannerWorker, _ b: PlannerWorker) -> Bool {
        let isLinked = links.keys.contains { [a.node, b.node].contains($0.from) }
        return WorkerRates(a) == WorkerRates(b) && a.memoryBudgetBytes == b.memoryBudgetBytes
            && a.path == b.path && a.host == nil && b.host == nil && !isLinked
    }

    private func isBetter(_ a: Candidate, than b: Candidate) -> Bool {
        let factor = 1 - Self.gainMin
        if goal.objective == .throughput {
            if a.slowest < b.slowest * factor { return true }
            guard a.slowest <= b.slowest * SpeedSplit.slack else { return false }
        }
        return a.sum < b.sum * factor
    }

    // MARK: Splits

    private func candidate(
        _ order: [Int], _ workers: [PlannerWorker], mustServe: Int? = nil
    ) -> Candidate? {
        let seats = seats(order, workers, mustServe: mustServe)
        let split = split(workers)
        let capped = goal.objective == .throughput ? split.load : nil
        return split.ranges(seats, capped: capped).map { priced(order, $0, seats, workers) }
    }

    private func priced(
        _ order: [Int], _ ranges: [Range<Int>], _ seats: [SpeedSplit.Seat],
        _ workers: [PlannerWorker]
    ) -> Candidate {
        let load = load(workers)
        var candidate = Candidate(order: order, ranges: ranges, slowest: 0, sum: 0)
        for (seat, range) in zip(seats, ranges) where !range.isEmpty {
            let seconds = cost.seconds(range, load, on: seat.rates)
            candidate.slowest = max(candidate.slowest, seconds)
            candidate.sum += seconds
        }
        let serving = zip(order, ranges).filter { !$1.isEmpty }.map { workers[$0.0] }
        candidate.sum += zip(serving, serving.dropFirst()).reduce(0) {
            $0 + hopSeconds(load, from: $1.0, to: $1.1)
        }
        return candidate
    }

    /// The order's split that answers one request soonest, from its prompt to its last token.
    ///
    /// The least sum would as soon give all layers to one worker as share them among equals, but a
    /// prompt's parts are computed by all stages at once.
    private func quickest(_ best: Candidate, _ workers: [PlannerWorker]) -> Candidate {
        let seats = seats(best.order, workers)
        let split = split(workers)
        let part = StepLoad.prefill(PipelinePace.leastChunk)
        var result = best
        var least = requestSeconds(best, workers)
        for slack in Self.promptSlacks {
            guard let ranges = split.ranges(seats, capped: part, slack: slack) else { continue }
            let next = priced(best.order, ranges, seats, workers)
            let seconds = requestSeconds(next, workers)
            if seconds < least { (result, least) = (next, seconds) }
        }
        return result
    }

    private func requestSeconds(_ candidate: Candidate, _ workers: [PlannerWorker]) -> Double {
        let serving = zip(candidate.order, candidate.ranges).filter { !$1.isEmpty }
        let pipeline = PredictedPipeline(
            stages: serving.map { (workers[$0], $1) }, cost: cost, links: links)
        return pipeline.firstToken(promptLength: PlanPrediction.promptLength, goal)
            + Self.answerLength * pipeline.trip(.decode(streams: 1, depth: goal.depth))
    }

    /// What the stages' sum is for: one stream, or a step of many.
    private func load(_ workers: [PlannerWorker]) -> StepLoad {
        goal.objective == .latency
            ? .decode(streams: 1, depth: goal.depth)
            : goal.decodeLoad(stageCount: workers.count)
    }

    private func split(_ workers: [PlannerWorker]) -> SpeedSplit {
        SpeedSplit(model: model, memorySums: memorySums, cost: cost, load: load(workers))
    }

    private func seats(
        _ order: [Int], _ workers: [PlannerWorker], mustServe: Int? = nil
    ) -> [SpeedSplit.Seat] {
        let load = load(workers)
        return order.indices.map { place in
            let worker = workers[order[place]]
            let before = place > 0 ? workers[order[place - 1]] : nil
            return SpeedSplit.Seat(
                rates: rates(worker, among: workers), budgetBytes: worker.memoryBudgetBytes,
                hopSeconds: hopSeconds(load, from: before, to: worker),
                mustServe: order[place] == mustServe)
        }
    }

    /// What a worker can count on: where many streams run, only its part of its machine.
    private func rates(_ worker: PlannerWorker, among workers: [PlannerWorker]) -> WorkerRates {
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

    private func hopSeconds(
        _ load: StepLoad, from before: PlannerWorker?, to worker: PlannerWorker
    ) -> Double {
        guard let before else { return 0 }
        return PlanPrediction.path(before, worker, links)
            .seconds(Double(load.rowCount) * Double(cost.work.rowBytes))
    }

    // MARK: Those left out

    private func reason(
        _ index: Int, _ workers: [PlannerWorker], without best: Candidate, place: Int
    ) -> String {
        let worker = workers[index]
        if worker.memoryBudgetBytes < model.leastBytes {
            return "one layer needs \(ByteCount(model.leastBytes)), it has "
                + "\(ByteCount(worker.memoryBudgetBytes))"
        }
        if workers.count > cost.layerCount {
            return "\(workers.count) workers share \(cost.layerCount) layers"
        }
        guard place < Self.reasonsMax else { return "a step would take no less time with it" }
        guard let with = candidate(best.order, workers, mustServe: index) else {
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
