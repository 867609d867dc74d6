// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
import Engine
import Model
import Testing
import Wire

/// What a plan sets aside for a stage is what the stage takes.
struct StageMemoryTests {
    private static let contextLength = 4096

    /// A stage's need by the engine, with the blobs that it is told to load.
    private func need(
        _ stage: PlannedStage, _ shape: Hyperparameters, _ blobs: BlobPlan, pageCount: Int?,
        threadCount: Int
    ) -> Int {
        let configuration = StageConfiguration(
            hyperparameters: shape, layers: stage.layers,
            slotCount: 2 + ClusterLimits.keptCountMax, contextLength: Self.contextLength,
            pageCount: pageCount, kvType: .f16, rowCountMax: ClusterLimits.rowCountMax,
            threadCount: threadCount)
        let weights = blobs.blobs(forLayers: stage.layers).reduce(0) { $0 + $1.byteCount }
        return StageEngine.memoryByteCount(configuration: configuration, weightByteCount: weights)
    }

    @Test(arguments: [1, 2, 7], [false, true])
    func plansCountThreadsAndTheHead(threadCount: Int, isTied: Bool) throws {
        let file = try TestModelFile(tied: isTied)
        var shape = file.model.hyperparameters
        // So long that attention is shared out among the threads.
        shape.contextLength = Self.contextLength
        let pages = try PageDemand(
            shape, slotCount: 2, contextLength: Self.contextLength, kvByteCount: nil,
            cacheType: .f16)
        let planner = Planner(
            model: PlannerModel(
                shape, tensors: file.model.tensors.compactMap(PlannedTensor.init), pages: pages,
                contextLength: Self.contextLength, wireType: .f32, cacheType: .f16))
        for workerCount in 1...3 {
            let workers = (0..<workerCount).map { index in
                PlannerWorker(
                    node: NodeID(high: 0, low: UInt64(index)), name: "w\(index)",
                    memoryBudgetBytes: 1 << 32, threadCount: threadCount)
            }
            let plan = try planner.plan(workers: workers)
            #expect(plan.stages.count == workerCount)
            for stage in plan.stages {
                let need = need(
                    stage, shape, file.model.blobs, pageCount: plan.pageCount,
                    threadCount: threadCount)
                // A thread alone is taken for a part of two.
                let slack = threadCount == 1 ? 1 << 20 : 0
                #expect((need...need + slack).contains(Int(stage.needBytes)))
            }
        }
    }
}
