// SPDX-License-Identifier: Apache-2.0

import Control
import Testing
import Wire

struct PlannerTests {
    private func model(_ layers: [UInt64], tied: Bool = false) -> PlannerModel {
        PlannerModel(
            layerBytes: layers, embeddingBytes: 7, outputBytes: 5, tiedHead: tied,
            kvBytesPerLayer: 2, scratchBytes: 3)
    }

    private func workers(_ budgets: [UInt64]) -> [PlannerWorker] {
        budgets.enumerated().map { index, budget in
            PlannerWorker(
                node: NodeID(high: 0, low: UInt64(index)), name: "w\(index)",
                memoryBudgetBytes: budget)
        }
    }

    private func need(_ model: PlannerModel, _ range: Range<Int>) -> UInt64 {
        let isFirst = range.lowerBound == 0
        let isLast = range.upperBound == model.layerBytes.count
        return model.layerBytes[range].reduce(0, +) + 2 * UInt64(range.count) + 3
            + (isFirst || isLast && model.tiedHead ? 7 : 0) + (isLast ? 5 : 0)
    }

    /// Looks at every split: (fewest left out, least fill of the fullest), nil if none fits.
    private func exhaustive(
        _ model: PlannerModel, _ budgets: ArraySlice<UInt64>, from start: Int = 0
    ) -> (leftOut: Int, fill: Double)? {
        let count = model.layerBytes.count
        guard let budget = budgets.first else { return start == count ? (0, 0) : nil }
        var best = exhaustive(model, budgets.dropFirst(), from: start).map {
            (leftOut: $0.leftOut + 1, fill: $0.fill)
        }
        for end in start..<count {
            let bytes = need(model, start..<end + 1)
            guard bytes <= budget,
                let rest = exhaustive(model, budgets.dropFirst(), from: end + 1)
            else { continue }
            let found = (
                leftOut: rest.leftOut, fill: max(rest.fill, Double(bytes) / Double(budget))
            )
            if best.map({ found < $0 }) ?? true { best = found }
        }
        return best
    }

    @Test func noSplitIsBetter() {
        var random = SplitMix(state: 5)
        var plannedCount = 0
        for _ in 0..<400 {
            let layers = (0..<Int.random(in: 1...6, using: &random)).map { _ in
                UInt64.random(in: 1...20, using: &random)
            }
            let model = model(layers, tied: Bool.random(using: &random))
            let budgets = (0..<Int.random(in: 1...5, using: &random)).map { _ in
                UInt64.random(in: 5...90, using: &random)
            }
            let best = exhaustive(model, budgets[...])
            guard let plan = try? Planner(model: model).plan(workers: workers(budgets)) else {
                #expect(best == nil)
                continue
            }
            plannedCount += 1
            #expect(plan.stages.map(\.needBytes) == plan.stages.map { need(model, $0.layers) })
            #expect(plan.stages.flatMap { Array($0.layers) } == Array(layers.indices))
            #expect(plan.stages.allSatisfy { $0.needBytes <= budgets[Int($0.node.low)] })
            // Where nothing fits in the order given the planner may find another one.
            guard let best else { continue }
            #expect(plan.leftOut.count == best.leftOut)
            let fill = plan.stages.map { stage in
                Double(stage.needBytes) / Double(budgets[Int(stage.node.low)])
            }.max()
            #expect(fill == best.fill)
        }
        #expect(plannedCount > 100)
    }

    @Test func sharesInProportionToMemory() throws {
        let plan = try Planner(model: model([UInt64](repeating: 100, count: 30)))
            .plan(workers: workers([4000, 2000, 1000]))
        #expect(plan.stages.map(\.layers.count) == [17, 9, 4])
    }

    @Test func saysWhatIsMissing() {
        let planner = Planner(model: model([100, 100]))
        #expect(throws: PlannerFailure.notEnoughMemory(missingBytes: 219)) {
            try planner.plan(workers: [])
        }
        // 100 + 2 + 3 + 7 on the first, 100 + 2 + 3 + 5 on the second.
        #expect(throws: PlannerFailure.notEnoughMemory(missingBytes: 12)) {
            try planner.plan(workers: workers([110, 100]))
        }
    }

    @Test func saysWhyAWorkerIsLeftOut() throws {
        let plan = try Planner(model: model([10, 10]))
            .plan(workers: workers([14, 50, 16, 60]))
        #expect(plan.stages.map(\.name) == ["w1", "w3"])
        #expect(
            plan.leftOut.map(\.reason) == [
                "one layer needs 15 bytes, it has 14 bytes", "4 workers share 2 layers",
            ])
    }

    /// Each can hold one layer, the embedding beside it w3 alone, and the head w4 alone.
    @Test func whoHasRoomForTheEndsGetsThem() throws {
        let model = model([UInt64](repeating: 10, count: 7))
        let budgets: [UInt64] = [15, 15, 15, 22, 24, 15, 15]
        let plan = try Planner(model: model).plan(workers: workers(budgets))
        #expect(plan.stages.map(\.name) == ["w3", "w0", "w1", "w2", "w5", "w6", "w4"])
        #expect(plan.stages.allSatisfy { $0.layers.count == 1 })
        // Less than the name's order lacks: 2 bytes on the last.
        #expect(throws: PlannerFailure.notEnoughMemory(missingBytes: 1)) {
            try Planner(model: model).plan(workers: workers([15, 15, 15, 22, 19, 15, 15]))
        }
    }

    @Test func countsATiedEmbeddingOnce() throws {
        let one = try Planner(model: model([10, 10], tied: true)).plan(workers: workers([100]))
        #expect(one.stages.map(\.needBytes) == [39])
        let two = try Planner(model: model([10, 10], tied: true)).plan(
            workers: workers([100, 100]))
        #expect(two.stages.map(\.needBytes) == [22, 27])
    }

    @Test func aLargeModelOnManyWorkers() throws {
        let large = PlannerModel(
            layerBytes: [UInt64](repeating: 1_800_000_000, count: 126),
            embeddingBytes: 1_200_000_000, outputBytes: 1_200_000_000, tiedHead: false,
            kvBytesPerLayer: 30_000_000, scratchBytes: 200_000_000)
        let plan = try Planner(model: large)
            .plan(workers: workers([UInt64](repeating: 6_000_000_000, count: 64)))
        #expect(plan.stages.count == 64)
        #expect(plan.leftOut.isEmpty)
    }

    @Test func sizesBeyondCountingDoNotTrap() {
        let absurd = PlannerModel(
            layerBytes: [.max, .max], embeddingBytes: .max, outputBytes: .max, tiedHead: true,
            kvBytesPerLayer: .max, scratchBytes: .max)
        #expect(throws: PlannerFailure.self) {
            try Planner(model: absurd).plan(workers: workers([100, 100]))
        }
    }
}
