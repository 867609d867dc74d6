// SPDX-License-Identifier: Apache-2.0

import Control
import Testing
import Wire

/// Plans for all streams together, held against those for one.
extension SpeedPlannerTests {
    /// Layers and head are such as Llama 3.1 8B's in Q4_K_M.
    private func llama(layerCount: Int) -> PlannerModel {
        let layer = ModelWork.Part(byteCount: 130_000_000, int8Count: 245_000_000)
        let head = ModelWork.Part(byteCount: 430_000_000, int8Count: 760_000_000)
        let work = ModelWork(
            layers: Array(repeating: layer, count: layerCount), head: head,
            kvBytesPerPosition: 4096, attentionOperations: 16_384, rowBytes: 16_384,
            contextLength: 4096)
        return PlannerModel(
            layerBytes: Array(repeating: layer.byteCount, count: layerCount), embeddingBytes: 0,
            outputBytes: head.byteCount, tiedHead: false, kvBytesPerLayer: 0, scratchBytes: 0,
            work: work)
    }

    private func worker(
        _ index: Int, memory: UInt64 = 16_000_000_000, reading: UInt64, multiplying: UInt64,
        host: NodeID? = nil, path: NetworkPath? = nil
    ) -> PlannerWorker {
        PlannerWorker(
            node: NodeID(high: 0, low: UInt64(index)), name: "w\(index)",
            memoryBudgetBytes: memory,
            speed: WorkerSpeed(
                readBytesPerSecond: reading, int8OperationsPerSecond: multiplying),
            host: host, path: path)
    }

    private func plan(
        _ objective: PlannerGoal.Objective, streams: Int, _ model: PlannerModel,
        _ workers: [PlannerWorker]
    ) throws -> Plan {
        let goal = PlannerGoal(objective: objective, streams: streams)
        return try Planner(model: model, goal: goal).plan(workers: workers)
    }

    /// Few rows take hardly longer than one: with the slow worker the slowest stage is a little
    /// faster, but a step has only half of them.
    @Test(arguments: [1, 4, 16, 64])
    func aSlowWorkerServesNoneButManyStreams(streams: Int) throws {
        let model = llama(layerCount: 32)
        let workers = [
            worker(0, reading: 60_000_000_000, multiplying: 1_000_000_000_000),
            worker(1, reading: 10_000_000_000, multiplying: 200_000_000_000),
        ]
        let found = try plan(.throughput, streams: streams, model, workers)
        let single = try plan(.latency, streams: streams, model, workers)
        let rate = try #require(found.prediction).tokensPerSecond
        let rateOfSingle = try #require(single.prediction).tokensPerSecond
        #expect(rate >= rateOfSingle)
        #expect(found.stages.count == (streams < 16 ? 1 : 2))
        #expect(single.stages.map(\.name) == ["w0"])
    }

    /// Twice as fast, but a token's way there and back takes longer than it spares.
    @Test(arguments: PlannerGoal.Objective.allCases)
    func aFastWorkerFarAwayIsDoneWithout(objective: PlannerGoal.Objective) throws {
        func path(_ seconds: Double) -> NetworkPath {
            NetworkPath(roundTripSeconds: seconds, bytesPerSecond: 117_500_000)
        }
        let workers = [
            worker(
                0, reading: 80_000_000_000, multiplying: 2_000_000_000_000, path: path(0.02)),
            worker(
                1, reading: 40_000_000_000, multiplying: 1_000_000_000_000, path: path(0.0002)),
        ]
        let plan = try plan(objective, streams: 1, llama(layerCount: 5), workers)
        #expect(plan.stages.map(\.name) == ["w1"])
    }

    /// With figures that are not rounded: what is predicted is what is planned by.
    private func anyWorker(_ index: Int, using random: inout SplitMix) -> PlannerWorker {
        let mantissas: [UInt64] = [8, 10, 12]
        let reading = mantissas[Int.random(in: 0...2, using: &random)]
        let multiplying = mantissas[Int.random(in: 0...2, using: &random)]
        return worker(
            index, memory: UInt64.random(in: 2...8, using: &random) << 30,
            reading: reading << UInt64.random(in: 30...32, using: &random),
            multiplying: multiplying << UInt64.random(in: 34...37, using: &random),
            path: NetworkPath(
                roundTripSeconds: Bool.random(using: &random) ? 1.0 / 8192 : 1.0 / 512,
                bytesPerSecond: Bool.random(using: &random) ? 134_217_728 : 1_073_741_824))
    }

    @Test func streamsHaveNoLessThanByThePlanForOne() throws {
        var random = SplitMix(state: 23)
        let model = llama(layerCount: 16)
        var (plannedCount, gainCount) = (0, 0)
        for _ in 0..<40 {
            let workers = (0..<Int.random(in: 2...8, using: &random)).map {
                anyWorker($0, using: &random)
            }
            for streams in [1, 4, 16, 64] {
                guard let single = try? plan(.latency, streams: streams, model, workers)
                else { continue }
                let found = try plan(.throughput, streams: streams, model, workers)
                let rate = try #require(found.prediction).tokensPerSecond
                let rateOfSingle = try #require(single.prediction).tokensPerSecond
                #expect(rate >= rateOfSingle * (1 - 1e-9), "\(streams) streams, \(workers)")
                plannedCount += 1
                if rate > rateOfSingle * 1.1 { gainCount += 1 }
            }
        }
        #expect(plannedCount > 120)
        #expect(gainCount > 40)
    }

    /// However few the streams are: whoever starts several there wants them at work.
    @Test(arguments: [1, 4]) func workersOfOneMachineAllServe(streams: Int) throws {
        let host = NodeID(high: 9, low: 9)
        let workers = (0..<3).map {
            worker(
                $0, reading: 20_000_000_000, multiplying: 300_000_000_000, host: host)
        }
        let found = try plan(.throughput, streams: streams, llama(layerCount: 16), workers)
        #expect(found.stages.count == 3)
    }
}
