// SPDX-License-Identifier: Apache-2.0

import Wire

/// Splits of the layers over workers in a given order.
extension SpeedPlanner {
    /// How much slower than it has to be the slowest stage may be, among the splits tried for many
    /// streams. The first is the one for endless streams; from there on steps get fewer, and have
    /// more rows.
    private static let streamSlacks = [SpeedSplit.slack, 1, 1.15, 1.5, 2.5, .infinity]
    /// The same for prompts, among the splits tried for one stream.
    private static let promptSlacks = [SpeedSplit.slack, 1.15, 1.5, 2.5]
    /// Tokens that a request's answer is assumed to have, after a prompt of
    /// `PlanPrediction.promptLength`.
    private static let answerLength = 128.0

    // MARK: What splits are looked for with

    /// Whether there are several machines, as far as is known.
    static func areSpread(_ workers: [PlannerWorker]) -> Bool {
        workers.dropFirst().contains { !$0.sharesHost(with: workers[0]) }
    }

    /// On one machine all are to serve, as far as that makes the slowest stage faster: whoever
    /// divides it among workers, as `--local` does, wants them at work, and hops cost little there.
    static func slacks(_ goal: PlannerGoal, isSpread: Bool) -> [Double] {
        guard goal.objective == .throughput else { return [.infinity] }
        return isSpread ? streamSlacks : [SpeedSplit.slack]
    }

    /// One row or, for many streams, the rows of each of as many steps as there can be workers with
    /// one, of a single step, and of a number between. With whether workers of one machine are busy
    /// at once then.
    static func loads(
        _ goal: PlannerGoal, workerCount: Int, isSpread: Bool
    ) -> [(step: StepLoad, isShared: Bool)] {
        guard goal.objective == .throughput else {
            return [(step: .decode(streams: 1, depth: goal.depth), isShared: false)]
        }
        let most = goal.nominalStepsInFlight(stageCount: workerCount)
        let middle = Int(Double(most).squareRoot().rounded())
        let counts = isSpread ? [most, middle, 1] : [most]
        var loads: [(step: StepLoad, isShared: Bool)] = []
        for count in counts {
            let step = goal.decodeLoad(stageCount: count)
            if loads.last?.step != step { loads.append((step: step, isShared: count > 1)) }
        }
        return loads
    }

    /// What a worker can count on where many steps are in flight: only its part of its machine.
    static func rates(_ worker: PlannerWorker, among workers: [PlannerWorker]) -> WorkerRates {
        let rates = WorkerRates(worker)
        let threads = workers.filter { $0.node == worker.node || $0.sharesHost(with: worker) }
            .reduce(0) { $0 + $1.threadCount }
        guard threads > worker.threadCount else { return rates }
        let host = Double(worker.speed.hostReadBytesPerSecond)
        let part = host * Double(worker.threadCount) / Double(threads)
        return rates.slowed(
            reading: host > 0 ? min(1, part / rates.readBytesPerSecond) : 1,
            computing: min(1, Double(worker.coreCount) / Double(threads)))
    }

    static func firstLayers(
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

    // MARK: Splits

    /// An order's best split. The first that is looked for is only left for one that is better by
    /// more than noise, so that it comes again.
    func bestSplit(in order: [Int]) -> Candidate? {
        let found = loads.indices.flatMap { candidates(order, load: $0, slacks: slacks) }
        guard let first = found.first, let best = found.min(by: { $0.seconds < $1.seconds })
        else { return nil }
        return isBetter(best, than: first) ? best : first
    }

    /// Splits for one load: one for each slack, or none where the order does not fit in memory.
    func candidates(
        _ order: [Int], load: Int, slacks: [Double], mustServe: Int? = nil
    ) -> [Candidate] {
        let seated = seated(order, load, mustServe: mustServe)
        return split.found(seated, capped: seated.map(\.times), slacks: slacks).map {
            priced(order, $0.ranges, Aim(load: load, slack: $0.slack))
        }
    }

    func priced(_ order: [Int], _ ranges: [Range<Int>], _ aim: Aim) -> Candidate {
        var candidate = Candidate(order: order, ranges: ranges, aim: aim)
        candidate.seconds =
            goal.objective == .throughput
            ? pipeline(candidate).decoding(goal).seconds : stepSeconds(candidate)
        return candidate
    }

    /// Of all stages and hops.
    private func stepSeconds(_ candidate: Candidate) -> Double {
        let seated = loads[candidate.aim.load]
        let serving = candidate.serving
        let stages = serving.reduce(0.0) { $0 + seated.seats[$1.worker].times[$1.layers] }
        let hops = zip(serving, serving.dropFirst()).reduce(0.0) {
            $0 + hopSeconds(from: $1.0.worker, to: $1.1.worker, seated.load)
        }
        let ends = [serving.first, serving.last].reduce(0.0) {
            $0 + ($1.map { workers[$0.worker].endHopSeconds } ?? 0)
        }
        return stages + hops + ends
    }

    /// The order's split that answers one request soonest, from its prompt to its last token.
    ///
    /// The least sum would as soon give all layers to one worker as share them among equals, but a
    /// prompt's parts are computed by all stages at once.
    func quickest(_ best: Candidate) -> Candidate {
        let rates = loads[best.aim.load].rates
        let part = StepLoad.prefill(PipelinePace.leastChunk)
        let capped = StageTable.tables(best.order.map { rates[$0] }, cost, part)
        let seated = seated(best.order, best.aim.load)
        var result = best
        var least = requestSeconds(best)
        for found in split.found(seated, capped: capped, slacks: Self.promptSlacks) {
            let next = priced(best.order, found.ranges, best.aim)
            let seconds = requestSeconds(next)
            if seconds < least { (result, least) = (next, seconds) }
        }
        return result
    }

    private func requestSeconds(_ candidate: Candidate) -> Double {
        let pipeline = pipeline(candidate)
        return pipeline.firstToken(promptLength: PlanPrediction.promptLength, goal)
            + Self.answerLength * pipeline.trip(.decode(streams: 1, depth: goal.depth))
    }

    /// By the steady figures.
    private func pipeline(_ candidate: Candidate) -> PredictedPipeline {
        PredictedPipeline(
            stages: candidate.serving.map { (workers[$0.worker], $0.layers) }, cost: cost,
            links: links)
    }

    private var split: SpeedSplit { SpeedSplit(layerCount: cost.layerCount) }

    /// The workers' seats in that order, with the hops between them.
    private func seated(
        _ order: [Int], _ load: Int, mustServe: Int? = nil
    ) -> [SpeedSplit.Seat] {
        order.indices.map { place in
            var seat = loads[load].seats[order[place]]
            seat.entrySeconds = workers[order[place]].endHopSeconds
            seat.exitSeconds = seat.entrySeconds
            if place > 0 {
                seat.hopSeconds = hopSeconds(
                    from: order[place - 1], to: order[place], loads[load].load)
            }
            seat.mustServe = order[place] == mustServe
            return seat
        }
    }

    private func hopSeconds(from before: Int, to worker: Int, _ load: StepLoad) -> Double {
        PlanPrediction.path(workers[before], workers[worker], links)
            .seconds(Double(load.rowCount) * Double(cost.work.rowBytes))
    }
}
