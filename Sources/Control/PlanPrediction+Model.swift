// SPDX-License-Identifier: Apache-2.0

import Wire

extension PlanPrediction {
    /// `memory` gives the need of a range of layers.
    init(
        stages: [(worker: PlannerWorker, layers: Range<Int>)], cost: StageCost, goal: PlannerGoal,
        links: [WorkerPair: NetworkPath], memory: (Range<Int>) -> UInt64, kvBytesPerLayer: UInt64
    ) {
        let pipeline = PredictedPipeline(stages: stages, cost: cost, links: links)
        let single = StepLoad.decode(streams: 1, depth: goal.depth)
        let decoding = pipeline.decoding(goal)
        let part = StepLoad.prefill(PipelinePace.leastChunk)
        let slowest = stages.map { cost.seconds($0.layers, part, on: WorkerRates($0.worker)) }.max()
        self.init(
            stages: stages.map { worker, layers in
                let rates = WorkerRates(worker)
                return Stage(
                    seconds: cost.seconds(layers, single, on: rates),
                    busySeconds: cost.seconds(layers, decoding.load, on: rates))
            },
            singleStreamTokensPerSecond: 1 / max(pipeline.trip(single), 1e-9),
            streams: goal.streams, stepsInFlight: decoding.stepsInFlight,
            tokensPerSecond: Double(goal.streams) / max(decoding.seconds, 1e-9),
            depth: goal.depth,
            promptLength: Self.promptLength,
            firstTokenSeconds: pipeline.firstToken(promptLength: Self.promptLength, goal),
            promptRowSeconds: (slowest ?? 0) / Double(part.rowCount),
            contextLengthMax: Self.contextLength(
                stages, cost.work, memory: memory, kvBytesPerLayer: kvBytesPerLayer),
            limit: decoding.limit)
    }

    /// Given weights and scratch, what is left over for keys and values.
    private static func contextLength(
        _ stages: [(worker: PlannerWorker, layers: Range<Int>)], _ work: ModelWork,
        memory: (Range<Int>) -> UInt64, kvBytesPerLayer: UInt64
    ) -> Int? {
        guard kvBytesPerLayer > 0, work.contextLength > 0 else { return nil }
        return stages.map { worker, layers in
            let kv = Double(kvBytesPerLayer) * Double(layers.count)
            let rest = Double(worker.memoryBudgetBytes) - (Double(memory(layers)) - kv)
            return Int(min(max(0, rest / kv * Double(work.contextLength)), 1e12))
        }.min()
    }
}

/// Stages in a row, with the times of steps through them.
struct PredictedPipeline {
    /// What a hop takes beyond the link: the threads that wake on either side of it, as seen
    /// between processes of one machine.
    private static let handoverSeconds = 0.000_1
    /// What the coordinator does for a token: sampling it, its text, the next row.
    private static let tokenSeconds = 0.000_03
    /// Of a trip among at least as many as there are stages, what it waits because steps take
    /// uneven time: nothing lies ready behind a slow one. Chosen so that `scripts/check-prediction`
    /// comes out with two and three stages on one machine of two cores.
    private static let unevenness = 0.04
    /// What more threads than cores make of their times' sum, by waiting for each other's turns;
    /// chosen in the same way.
    private static let crowding = 1.15

    let stages: [(worker: PlannerWorker, layers: Range<Int>)]
    let cost: StageCost
    let links: [WorkerPair: NetworkPath]

    /// One step through all stages and back, with nothing else in flight.
    func trip(_ load: StepLoad) -> Double { seconds(load).reduce(0, +) + network(load) }

    /// How the goal's streams are given tokens: in how many steps of what load, how long until each
    /// has one, and why no sooner.
    func decoding(
        _ goal: PlannerGoal
    ) -> (stepsInFlight: Int, load: StepLoad, seconds: Double, limit: PlanLimit) {
        let few = leastStepsInFlight(goal)
        let fewer = decoding(goal, stepsInFlight: few)
        let more = decoding(goal, stepsInFlight: few + 1)
        return more.seconds < fewer.seconds ? more : fewer
    }

    private func decoding(
        _ goal: PlannerGoal, stepsInFlight count: Int
    ) -> (stepsInFlight: Int, load: StepLoad, seconds: Double, limit: PlanLimit) {
        let rows = max(1, (goal.streams + count - 1) / count)
        let load = StepLoad.decode(streams: rows, depth: goal.depth)
        let steps = max(1, (goal.streams + rows - 1) / rows)
        let (seconds, limit) = period(load, stepsInFlight: steps)
        return (stepsInFlight: steps, load: load, seconds: seconds, limit: limit)
    }

    /// As many steps of all streams as `PipelinePace` lets be in flight at least, which sees times
    /// of stages that are all at work. It may add one.
    private func leastStepsInFlight(_ goal: PlannerGoal) -> Int {
        let load = goal.decodeLoad(stageCount: stages.count)
        let isShared = goal.nominalStepsInFlight(stageCount: stages.count) > 1
        let times = seconds(load, isShared ? ratesBesideOthers(groupsOfOneHost()) : nil)
        let trip = times.reduce(0, +) + network(load)
        return PipelinePace.stepCount(trip / (times.max() ?? 0))
    }

    /// A prompt in parts that follow each other through the stages, as `PipelinePace` divides it.
    func firstToken(promptLength: Int, _ goal: PlannerGoal) -> Double {
        let pace = PipelinePace(stageCount: stages.count, rowCountMax: goal.rowCountMax)
        let wanted = pace.promptRowCount(isDecoding: false, pendingCount: promptLength)
        let rowCount = max(1, min(wanted, promptLength, goal.rowCountMax))
        let partCount = (promptLength + rowCount - 1) / rowCount
        var part = StepLoad.prefill(rowCount)
        part.depth = promptLength / 2
        let first = trip(part)
        // Each further part costs what the busiest stage or machine needs for it.
        let many = 1_000_000
        let each = period(part, stepsInFlight: many).seconds / Double(many)
        return first + Double(partCount - 1) * each
    }

    /// Of each stage, at its worker's own rates or at these.
    private func seconds(_ load: StepLoad, _ rates: [WorkerRates]? = nil) -> [Double] {
        zip(stages, rates ?? stages.map { WorkerRates($0.worker) }).map {
            cost.seconds($0.layers, load, on: $1)
        }
    }

    /// All hops: activations between stages, little more than a round trip to and from the
    /// coordinator.
    private func network(_ load: StepLoad) -> Double {
        let bytes = Double(load.rowCount) * Double(cost.work.rowBytes)
        let hops = zip(stages, stages.dropFirst()).reduce(0) {
            $0 + PlanPrediction.path($1.0.worker, $1.1.worker, links).seconds(bytes)
        }
        let ends = [stages.first, stages.last].compactMap { $0?.worker }
        let all = ends.reduce(hops) { $0 + $1.endHopSeconds }
        return all + Double(stages.count + 1) * Self.handoverSeconds
            + Double(load.wantingCount) * Self.tokenSeconds
    }

    /// How long it takes until each of the steps in flight has been answered once, and why.
    ///
    /// No less than one step's trip; no less than any stage, machine or memory needs for all.
    func period(_ load: StepLoad, stepsInFlight: Int) -> (seconds: Double, limit: PlanLimit) {
        let steps = Double(stepsInFlight)
        let groups = stepsInFlight > 1 ? groupsOfOneHost() : []
        let rates = ratesBesideOthers(groups)
        let times = seconds(load, rates)
        let limits = stages.indices.map { index in
            limit(of: index, load, on: rates[index], groups.first { $0.contains(index) })
        }
        var result = trip(load, times: times, limits: limits)
        guard stepsInFlight > 1 else { return result }
        func raise(_ seconds: Double, _ limit: PlanLimit) {
            if seconds > result.seconds { result = (seconds, limit) }
        }
        if stages.count > 1, stepsInFlight >= stages.count {
            result.seconds *= 1 + Self.unevenness
        }
        for (seconds, limit) in zip(times, limits) { raise(steps * seconds, limit) }
        for group in groups {
            let names = group.map { stages[$0].worker.name }
            let threadSeconds = group.reduce(0) {
                $0 + times[$1] * Double(stages[$1].worker.threadCount)
            }
            let active = group.map { stages[$0].worker.threadCount }.sorted(by: >)
                .prefix(stepsInFlight)
            let isCrowded = active.reduce(0, +) > coreCount(group)
            raise(
                steps * threadSeconds / Double(coreCount(group)) * (isCrowded ? Self.crowding : 1),
                .sharedCores(names))
            let bytes = group.reduce(0) { $0 + cost.bytes(stages[$1].layers, load) }
            let speed = group.map { stages[$0].worker.speed.hostReadBytesPerSecond }.max() ?? 0
            if speed > 0 { raise(steps * bytes / Double(speed), .sharedReading(names)) }
        }
        return result
    }

    private func coreCount(_ group: [Int]) -> Int {
        max(1, group.map { stages[$0].worker.coreCount }.max() ?? 1)
    }

    /// What each worker has while others of its machine compute as well; `groups` are the stages of
    /// one machine.
    private func ratesBesideOthers(_ groups: [[Int]]) -> [WorkerRates] {
        stages.indices.map { index in
            ratesBesideOthers(index, groups.first { $0.contains(index) })
        }
    }

    /// As many as have cores read from the same memory.
    private func ratesBesideOthers(_ index: Int, _ group: [Int]?) -> WorkerRates {
        let worker = stages[index].worker
        let rates = WorkerRates(worker)
        let host = Double(worker.speed.hostReadBytesPerSecond)
        guard let group, host > 0 else { return rates }
        let threads = max(1, group.map { stages[$0].worker.threadCount }.max() ?? 1)
        let active = max(1, min(group.count, coreCount(group) / threads))
        return rates.slowed(
            reading: min(1, host / Double(active) / rates.readBytesPerSecond), computing: 1)
    }

    /// Stages whose workers share a machine, of machines with more than one.
    private func groupsOfOneHost() -> [[Int]] {
        var groups: [[Int]] = []
        var places: [NodeID: Int] = [:]
        for index in stages.indices {
            guard let host = stages[index].worker.host else { continue }
            if let place = places[host] {
                groups[place].append(index)
            } else {
                places[host] = groups.count
                groups.append([index])
            }
        }
        return groups.filter { $0.count > 1 }
    }

    private func limit(
        of index: Int, _ load: StepLoad, on rates: WorkerRates, _ group: [Int]?
    ) -> PlanLimit {
        let (worker, layers) = stages[index]
        let parts = cost.parts(layers, load, on: rates)
        guard parts.reading >= parts.computing else { return .computing(worker.name) }
        return group.map { .sharedReading($0.map { stages[$0].worker.name }) }
            ?? .reading(worker.name)
    }

    /// The slowest stage's limit, unless the hops take longer than all stages.
    private func trip(
        _ load: StepLoad, times: [Double], limits: [PlanLimit]
    ) -> (seconds: Double, limit: PlanLimit) {
        let computing = times.reduce(0, +)
        let network = network(load)
        let slowest = times.indices.max { times[$0] < times[$1] }
        guard let slowest, network <= computing else { return (computing + network, .network) }
        return (computing + network, limits[slowest])
    }
}
