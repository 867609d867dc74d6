// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
import Foundation
import Testing
import caravan

/// Members of a cluster as another program may describe them.
struct PlannerWorkerStatusTests {
    /// All counts are `count`; all members are on one machine.
    private func status(names: [String], count: Int) throws -> ClusterStatus {
        var status = ClusterStatus(model: "m", contextLength: 8, layerCount: 2)
        status.members = try names.map { name in
            let text = """
                {
                    "name": "\(name)", "address": "", "role": "serving", "note": "", "host": "1",
                    "threads": \(count), "cores": \(count), "memoryBudgetBytes": \(count),
                    "freeMemoryBytes": \(count), "readBytesPerSecond": \(count),
                    "hostReadBytesPerSecond": \(count), "int8OperationsPerSecond": \(count),
                    "f32OperationsPerSecond": \(count), "loopNanoseconds": \(count),
                    "roundTripMicroseconds": \(count), "linkBytesPerSecond": \(count),
                    "measuredByPredicted": 1e300
                }
                """
            return try JSONDecoder().decode(MemberStatus.self, from: Data(text.utf8))
        }
        return status
    }

    private var model: PlannerModel {
        let part = ModelWork.Part(byteCount: 1 << 20, int8Count: 1 << 20)
        return PlannerModel(
            layerBytes: [1 << 20, 1 << 20], embeddingBytes: 1, outputBytes: 1, tiedHead: false,
            kvBytesPerLayer: 1 << 10, scratchBytes: 1,
            work: ModelWork(
                layers: [part, part], head: part, kvBytesPerPosition: 64, attentionOperations: 64,
                rowBytes: 64, contextLength: 8))
    }

    @Test(arguments: [1, Int.max]) func anyCountsCanBePlannedFor(count: Int) throws {
        let workers = try PlannerWorker.members(
            of: try status(names: ["b", "a", "c"], count: count))
        #expect(workers.map(\.name) == ["a", "b", "c"])
        let bounded = min(count, 1024)
        #expect(workers.allSatisfy { $0.threadCount == bounded && $0.coreCount == bounded })
        for objective in PlannerGoal.Objective.allCases {
            let planner = Planner(
                model: model, goal: PlannerGoal(objective: objective, streams: 4))
            let plan = try? planner.plan(workers: workers)
            // With a byte of memory each there is none.
            #expect((plan?.prediction != nil) == (count > 1))
        }
    }

    @Test(arguments: [0, -1, Int.min]) func withoutASpeedThereIsNoPlan(count: Int) throws {
        let silent = try status(names: ["a"], count: count)
        #expect(throws: (any Error).self) { try PlannerWorker.members(of: silent) }
    }

    @Test func noMoreAreTakenThanMayJoin() throws {
        let many = try status(names: (0..<300).map { "w\($0)" }, count: 1)
        #expect(try PlannerWorker.members(of: many).count == 256)
    }
}
