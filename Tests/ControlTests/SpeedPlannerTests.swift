// SPDX-License-Identifier: Apache-2.0

import Control
import Testing
import Wire

struct SpeedPlannerTests {
    /// Steps take time for reading the weights or, if it `multiplies`, as much for each row.
    private func model(
        _ layers: [UInt64], head: UInt64, multiplies: Bool = false
    ) -> PlannerModel {
        func part(_ size: UInt64) -> ModelWork.Part {
            .init(byteCount: multiplies ? 0 : size, int8Count: multiplies ? size : 0)
        }
        let work = ModelWork(
            layers: layers.map(part), head: part(head), kvBytesPerPosition: 0,
            attentionOperations: 0, rowBytes: 0, contextLength: 1)
        return PlannerModel(
            layerBytes: layers, embeddingBytes: 7, outputBytes: head, tiedHead: false,
            kvBytesPerLayer: 2, scratchBytes: 3, work: work)
    }

    private func workers(_ speeds: [UInt64], budgets: [UInt64]) -> [PlannerWorker] {
        zip(speeds, budgets).enumerated().map { index, values in
            PlannerWorker(
                node: NodeID(high: 0, low: UInt64(index)), name: "w\(index)",
                memoryBudgetBytes: values.1,
                speed: WorkerSpeed(
                    readBytesPerSecond: values.0, int8OperationsPerSecond: 2 * values.0),
                path: NetworkPath(roundTripSeconds: 0, bytesPerSecond: 1e12))
        }
    }

    /// The least time of the slowest stage, and the least sum, over all splits in all orders.
    private func exhaustive(
        _ model: PlannerModel, _ workers: [PlannerWorker], from start: Int = 0
    ) -> (slowest: Double, sum: Double)? {
        let count = model.layerBytes.count
        guard start < count else { return (0, 0) }
        var best: (slowest: Double, sum: Double)?
        for (index, worker) in workers.enumerated() {
            var others = workers
            others.remove(at: index)
            for end in start + 1...count {
                let weights = model.layerBytes[start..<end].reduce(0, +)
                let head = end == count ? model.outputBytes : 0
                let need = weights + head + 2 * UInt64(end - start) + 3 + (start == 0 ? 7 : 0)
                guard need <= worker.memoryBudgetBytes,
                    let rest = exhaustive(model, others, from: end)
                else { continue }
                let seconds = Double(weights + head) / Double(worker.speed.readBytesPerSecond)
                let found = (slowest: max(rest.slowest, seconds), sum: rest.sum + seconds)
                best =
                    best.map { (min($0.slowest, found.slowest), min($0.sum, found.sum)) } ?? found
            }
        }
        return best
    }

    /// Speeds that are far apart and unaffected by rounding. Beside such stages hops are nothing.
    private static let speeds: [UInt64] = [1 << 8, 1 << 9, 1 << 10, 3 << 9]

    /// Where each of many rows has its price the slowest stage decides. Any number of steps here
    /// may have equal parts of the streams.
    @Test(arguments: PlannerGoal.Objective.allCases)
    func aSplitIsNearTheBest(objective: PlannerGoal.Objective) {
        var random = SplitMix(state: 11)
        var (plannedCount, missedCount) = (0, 0)
        for _ in 0..<200 {
            let layers = (0..<Int.random(in: 1...6, using: &random)).map { _ in
                UInt64.random(in: 1...20, using: &random)
            }
            let count = Int.random(in: 1...4, using: &random)
            let speeds = (0..<count).map { _ in
                Self.speeds[Int.random(in: 0..<Self.speeds.count, using: &random)]
            }
            let budgets = (0..<count).map { _ in UInt64.random(in: 15...120, using: &random) }
            let model = model(
                layers, head: UInt64.random(in: 1...10, using: &random),
                multiplies: objective == .throughput)
            let workers = workers(speeds, budgets: budgets)
            let best = exhaustive(model, workers)
            let planner = Planner(
                model: model, goal: PlannerGoal(objective: objective, streams: 60))
            guard let plan = try? planner.plan(workers: workers) else {
                if best != nil { missedCount += 1 }
                continue
            }
            plannedCount += 1
            #expect(plan.stages.flatMap { Array($0.layers) } == Array(layers.indices))
            for stage in plan.stages {
                #expect(stage.needBytes <= budgets[Int(stage.node.low)])
            }
            guard let times = plan.prediction?.stages.map(\.seconds), let best else {
                Issue.record("a plan without prediction, or where none is possible")
                continue
            }
            if objective == .throughput {
                #expect((times.max() ?? 0) <= best.slowest * 1.35)
            } else {
                #expect(times.reduce(0, +) <= best.sum * 1.35)
            }
        }
        #expect(plannedCount > 100)
        // Of so few workers every order is tried.
        #expect(missedCount == 0)
    }

    /// Too many to try all orders: each can hold one layer, the embedding beside it w3 alone, and
    /// the head w4 alone.
    @Test func whoHasRoomForTheEndsGetsThem() throws {
        let workers = workers(
            [UInt64](repeating: 256, count: 7), budgets: [15, 15, 15, 22, 24, 15, 15])
        let plan = try Planner(model: model([UInt64](repeating: 10, count: 7), head: 9))
            .plan(workers: workers)
        #expect(plan.prediction != nil)
        #expect(plan.stages.map(\.name) == ["w3", "w0", "w1", "w2", "w5", "w6", "w4"])
    }

    @Test func predictionsUseExactFigures() throws {
        // 1001 bytes a second is rounded for the split, but not for what is said.
        let plan = try Planner(model: model([1_000], head: 1))
            .plan(workers: workers([1_001], budgets: [5_000]))
        #expect(plan.prediction?.stages.first?.seconds == 1)
    }

    @Test func absurdFiguresDoNotTrap() throws {
        let speed = WorkerSpeed(
            readBytesPerSecond: .max, hostReadBytesPerSecond: 1, int8OperationsPerSecond: .max,
            f32OperationsPerSecond: 1, loopNanoseconds: .max)
        let absurd = (0..<3).map { index in
            PlannerWorker(
                node: NodeID(high: 0, low: UInt64(index)), name: "w", memoryBudgetBytes: .max,
                speed: index == 1 ? WorkerSpeed(readBytesPerSecond: 1) : speed,
                host: NodeID(high: 0, low: 0), threadCount: 65_535, coreCount: 0,
                path: NetworkPath(roundTripSeconds: 4_294, bytesPerSecond: 0), correction: 1e-300)
        }
        let plan = try Planner(model: model([.max / 4, 1, 5], head: .max / 4))
            .plan(workers: absurd)
        #expect(plan.stages.flatMap { Array($0.layers) } == [0, 1, 2])
    }

    @Test func aLargeModelOnManyUnequalWorkers() throws {
        let layers = [UInt64](repeating: 1_800_000_000, count: 126)
        let speeds = (0..<64).map { UInt64(10_000_000_000 + 1_700_000_000 * ($0 % 7)) }
        let plan = try Planner(model: model(layers, head: 1_200_000_000)).plan(
            workers: workers(speeds, budgets: [UInt64](repeating: 8_000_000_000, count: 64)))
        #expect(plan.stages.last?.layers.upperBound == 126)
    }
}
