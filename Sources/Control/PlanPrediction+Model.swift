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
        let steps = pipeline.stepsInFlight(goal)
        let load = StepLoad.decode(
            streams: (goal.streams + steps - 1) / steps, depth: goal.depth)
        let (period, limit) = pipeline.period(load, stepsInFlight: steps)
        self.init(
            stages: stages.map { worker, layers in
                let rates = WorkerRates(worker)
                return Stage(
                    seconds: cost.seconds(layers, single, on: rates),
                    busySeconds: cost.seconds(layers, load, on: rates))
            },
            singleStreamTokensPerSecond: 1 / max(pipeline.trip(single), 1e-9),
            streams: goal.streams, stepsInFlight: steps,
            tokensPerSecond: Double(goal.streams) / max(period, 1e-9),
            promptLength: Self.promptLength,
            firstTokenSeconds: pipeline.firstToken(promptLength: Self.promptLength, goal),
            contextLengthMax: Self.contextLength(
                stages, cost.work, memory: memory, kvBytesPerLayer: kvBytesPerLayer),
            limit: limit)
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
    let stages: [(worker: PlannerWorker, layers: Range<Int>)]
    let cost: StageCost
    let links: [WorkerPair: NetworkPath]

    /// One step through all stages and back, with nothing else in flight.
    func trip(_ load: StepLoad) -> Double { stageSeconds(load).reduce(0, +) + network(load) }

    /// As many steps of all streams as `PipelinePace` lets be in flight.
    func stepsInFlight(_ goal: PlannerGoal) -> Int {
        let load = goal.decodeLoad(stageCount: stages.count)
        let slowest = stageSeconds(load).max() ?? 0
        let cover = PipelinePace.groupCount(trip: trip(load), slowest: slowest)
        return max(1, min(goal.streams, goal.stepsInFlightMax ?? cover, cover))
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
        // Where steps may not overlap, the parts go one by one.
        guard goal.stepsInFlightMax != 1 else { return first * Double(partCount) }
        // Otherwise each further part costs what the busiest stage or machine needs for it.
        let many = 1_000_000
        let each = period(part, stepsInFlight: many).seconds / Double(many)
        return first + Double(partCount - 1) * each
    }

    private func stageSeconds(_ load: StepLoad) -> [Double] {
        stages.map { cost.seconds($0.layers, load, on: WorkerRates($0.worker)) }
    }

    /// All hops: activations between stages, little more than a round trip to and from the
    /// coordinator.
    private func network(_ load: StepLoad) -> Double {
        let bytes = Double(load.rowCount) * Double(cost.work.rowBytes)
        let hops = zip(stages, stages.dropFirst()).reduce(0) {
            $0 + PlanPrediction.path($1.0.worker, $1.1.worker, links).seconds(bytes)
        }
        let ends = [stages.first, stages.last].compactMap { $0?.worker }
        return ends.reduce(hops) { $0 + ($1.path ?? .sameHost).seconds(0) }
    }

    /// How long it takes until each of the steps in flight has been answered once, and why.
    ///
    /// No less than one step's trip; no less than any stage, machine or memory needs for all.
    func period(_ load: StepLoad, stepsInFlight: Int) -> (seconds: Double, limit: PlanLimit) {
        let times = stageSeconds(load)
        var result = (seconds: trip(load), limit: tripLimit(load))
        guard stepsInFlight > 1 else { return result }
        let steps = Double(stepsInFlight)
        func raise(_ seconds: Double, _ limit: PlanLimit) {
            if seconds > result.seconds { result = (seconds, limit) }
        }
        for (stage, seconds) in zip(stages, times) {
            raise(steps * seconds, limit(of: stage, load))
        }
        for group in groupsOfOneHost() {
            let names = group.map { stages[$0].worker.name }
            let threadSeconds = group.reduce(0) {
                $0 + times[$1] * Double(stages[$1].worker.threadCount)
            }
            let cores = group.map { stages[$0].worker.coreCount }.max() ?? 1
            raise(steps * threadSeconds / Double(max(1, cores)), .sharedCores(names))
            let bytes = group.reduce(0) { $0 + cost.bytes(stages[$1].layers, load) }
            let speed = group.map { stages[$0].worker.speed.hostReadBytesPerSecond }.max() ?? 0
            if speed > 0 { raise(steps * bytes / Double(speed), .sharedReading(names)) }
        }
        return result
    }

    /// Stages whose workers share a machine, of machines with more than one.
    private func groupsOfOneHost() -> [[Int]] {
        var groups: [[Int]] = []
        for index in stages.indices {
            let place = groups.firstIndex {
                stages[$0[0]].worker.sharesHost(with: stages[index].worker)
            }
            if let place { groups[place].append(index) } else { groups.append([index]) }
        }
        return groups.filter { $0.count > 1 }
    }

    private func limit(
        of stage: (worker: PlannerWorker, layers: Range<Int>), _ load: StepLoad
    ) -> PlanLimit {
        let parts = cost.parts(stage.layers, load, on: WorkerRates(stage.worker))
        return parts.reading >= parts.computing
            ? .reading(stage.worker.name) : .computing(stage.worker.name)
    }

    /// The slowest stage's limit, unless the hops take longer than all stages.
    private func tripLimit(_ load: StepLoad) -> PlanLimit {
        let times = stageSeconds(load)
        guard let slowest = times.indices.max(by: { times[$0] < times[$1] }),
            network(load) <= times.reduce(0, +)
        else { return .network }
        return limit(of: stages[slowest], load)
    }
}
