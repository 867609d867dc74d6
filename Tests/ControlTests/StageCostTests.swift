// SPDX-License-Identifier: Apache-2.0

import Control
import Testing
import Wire

/// What a plan's prediction takes a step's time to be made of.
@Suite struct StageCostTests {
    /// A model of two layers and no head, and workers that each read one of them in a second.
    private func prediction(
        computing: [Double], values: UInt64 = 0, sharesHost: Bool = false, streams: Int = 1,
        hostBytesPerSecond: UInt64 = 1_000_000_000, coreCount: Int = 8, kvBytes: UInt64 = 0,
        depth: Int = 0, keysAndValues: UInt64 = 0
    ) throws -> PlanPrediction {
        let layer = ModelWork.Part(byteCount: 1_000_000_000, int8Count: 1_000_000_000)
        let work = ModelWork(
            layers: computing.map { _ in layer },
            lastKeysAndValues: .init(byteCount: keysAndValues, int8Count: keysAndValues),
            head: .init(byteCount: 0, int8Count: 0),
            kvBytesPerPosition: kvBytes, attentionOperations: 0, rowBytes: 0, contextLength: 1,
            layerValues: values)
        let model = PlannerModel(
            layerBytes: computing.map { _ in 10 }, embeddingBytes: 0, outputBytes: 0,
            tiedHead: false, kvBytesPerLayer: 0, scratchBytes: 0, work: work)
        let workers = computing.enumerated().map { index, seconds in
            PlannerWorker(
                node: NodeID(high: 0, low: UInt64(index)), name: "w\(index)",
                memoryBudgetBytes: 10,
                speed: WorkerSpeed(
                    readBytesPerSecond: 1_000_000_000, hostReadBytesPerSecond: hostBytesPerSecond,
                    int8OperationsPerSecond: seconds > 0 ? UInt64(2e9 / seconds) : 0,
                    f32OperationsPerSecond: 64_000_000_000),
                host: sharesHost ? NodeID(high: 9, low: 9) : nil, coreCount: coreCount,
                path: NetworkPath(roundTripSeconds: 0, bytesPerSecond: 1e12))
        }
        let planner = Planner(model: model, goal: PlannerGoal(streams: streams, depth: depth))
        return try #require(try planner.plan(workers: workers).prediction)
    }

    private func isNear(_ a: Double, _ b: Double, within share: Double = 1e-6) -> Bool {
        abs(a / b - 1) < share
    }

    @Test(arguments: [(0.0, 1.0), (0.5, 1.015_271), (1.0, 1.189_207), (2.0, 2.030_543)])
    func productsTakeTheirReadingAndTheirArithmetic(_ computing: Double, _ seconds: Double) throws {
        let found = try prediction(computing: [computing])
        #expect(isNear(found.stages[0].seconds, seconds), "\(found.stages[0].seconds)")
    }

    @Test func rowsHaveTheirOwnValues() throws {
        let found = try prediction(computing: [0], values: 250_000_000)
        #expect(isNear(found.stages[0].seconds, 1.3125), "\(found.stages[0].seconds)")
    }

    /// Of each sequence those of its own positions, more slowly than weights.
    @Test(arguments: [(0, 1, 1.0), (300, 1, 1.5), (300, 2, 2.0), (600, 1, 2.0)])
    func keysAndValuesAreReadAsDeepAsSequencesAre(
        _ depth: Int, _ streams: Int, _ seconds: Double
    ) throws {
        let found = try prediction(
            computing: [0], streams: streams, kvBytes: 1_000_000, depth: depth)
        #expect(found.depth == depth)
        let busy = found.stages[0].busySeconds
        #expect(isNear(busy, seconds), "\(busy)")
    }

    /// Of a prompt only the last row goes on once the last layer has its keys and values.
    @Test func promptsLeaveTheLastLayerEarly() throws {
        func seconds(_ keysAndValues: UInt64) throws -> Double {
            try prediction(computing: [1], keysAndValues: keysAndValues).firstTokenSeconds
        }
        let share = try seconds(250_000_000) / seconds(1_000_000_000)
        #expect(abs(share - 0.25) < 0.02, "\(share)")
    }

    @Test func workersOfOneMachineReadFromTheSameMemory() throws {
        let apart = try prediction(computing: [0, 0], streams: 2)
        // 4 % of a trip is waiting.
        #expect(apart.stepsInFlight == 2)
        #expect(isNear(apart.tokensPerSecond, 1 / 1.04, within: 1e-3), "\(apart.tokensPerSecond)")
        let together = try prediction(computing: [0, 0], sharesHost: true, streams: 2)
        #expect(
            isNear(together.tokensPerSecond, 0.5 / 1.04, within: 1e-3),
            "\(together.tokensPerSecond)")
        #expect(together.limit == .sharedReading(["w0", "w1"]))
    }

    /// Three workers of a thread on two cores: with three steps in flight they are in each other's
    /// way, with two there is a core for each.
    @Test func moreThreadsThanCoresWaitForTheirTurns() throws {
        func found(streams: Int) throws -> PlanPrediction {
            try prediction(
                computing: [0, 0, 0], sharesHost: true, streams: streams,
                hostBytesPerSecond: 9_000_000_000, coreCount: 2)
        }
        let crowded = try found(streams: 3)
        #expect(crowded.limit == .sharedCores(["w0", "w1", "w2"]))
        let rate = crowded.tokensPerSecond
        #expect(isNear(rate, 3 / (4.5 * 1.15), within: 1e-3), "\(rate)")
        let roomy = try found(streams: 2).tokensPerSecond
        #expect(isNear(roomy, 2.0 / 3, within: 1e-3), "\(roomy)")
    }

    @Test(arguments: [(0, 0), (1, 1), (8, 1), (9, 2), (16, 2), (17, 3)])
    func headIsReadForEveryFewRows(rows: Int, passes: Double) {
        #expect(StageCost.headPasses(rows: Double(rows)) == passes)
    }

    /// 16 streams on two stages, of which one starts late, make steps of 8.03 rows in the mean.
    @Test func meanSlightlyAboveAWholePassIsThatPass() {
        #expect(StageCost.headPasses(rows: 8.03) == 1)
        #expect(StageCost.headPasses(rows: 8.6) == 2)
    }
}
