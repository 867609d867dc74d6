// SPDX-License-Identifier: Apache-2.0

import Control
import Testing
import Wire

/// Plans that have memory for fewer pages than wanted. Four layers of 100 bytes, of which a page
/// takes one each.
struct PlannerPagesTests {
    private func planner(least: Int, wanted: Int) -> Planner {
        let pages = PageDemand(
            least: least, wanted: wanted, slotCount: 2, pagePositionCount: 64, pageBytes: 1)
        return Planner(
            model: PlannerModel(
                layerBytes: [100, 100, 100, 100], embeddingBytes: 0, outputBytes: 0,
                tiedHead: false, pages: pages, scratchBytes: 0))
    }

    private func workers(_ budgets: UInt64..., speed: WorkerSpeed = .unmeasured) -> [PlannerWorker]
    {
        budgets.enumerated().map { index, budget in
            PlannerWorker(
                node: NodeID(high: 0, low: UInt64(index)), name: "w\(index)",
                memoryBudgetBytes: budget, speed: speed)
        }
    }

    @Test func allThatAreWantedWhereTheyFit() throws {
        let plan = try planner(least: 1, wanted: 50).plan(workers: workers(400, 400))
        #expect(plan.pageCount == 50)
        #expect(plan.stages.map(\.layers) == [0..<2, 2..<4])
        #expect(plan.stages.map(\.needBytes) == [300, 300])
    }

    @Test func asManyAsTheFullestStageHasRoomFor() throws {
        let plan = try planner(least: 1, wanted: 50).plan(workers: workers(260, 230))
        #expect(plan.pageCount == 15)
        #expect(plan.stages.map(\.needBytes) == [230, 230])
        #expect(try planner(least: 15, wanted: 50).plan(workers: workers(260, 230)) == plan)
    }

    /// By predicted time as by memory: half as many until it fits, then what is left over.
    @Test func wantedPagesAreHalvedUntilTheyFit() throws {
        let fast = WorkerSpeed(readBytesPerSecond: 1000)
        for speed in [fast, .unmeasured] {
            let plan = try planner(least: 10, wanted: 400).plan(
                workers: workers(240, 640, speed: speed))
            #expect(plan.pageCount == 113)
            #expect(plan.stages.map(\.layers) == [0..<1, 1..<4])
            #expect(plan.stages.map(\.needBytes) == [213, 639])
        }
    }

    @Test func aContextThatDoesNotFitIsRefusedWithOneThatDoes() {
        #expect(throws: PlannerFailure.contextTooLong(wanted: 16 * 64, fits: 15 * 64)) {
            try planner(least: 16, wanted: 50).plan(workers: workers(260, 230))
        }
        #expect(throws: PlannerFailure.notEnoughMemory(missingBytes: 4)) {
            try planner(least: 1, wanted: 50).plan(workers: workers(200, 200))
        }
        #expect(throws: PlannerFailure.notEnoughMemory(missingBytes: 404)) {
            try planner(least: 1, wanted: 50).plan(workers: [])
        }
    }

    @Test func aWorkerIsOfUseIfItHoldsTheFewestPages() {
        #expect(planner(least: 7, wanted: 50).model.leastBytes == 107)
    }

    @Test func sizesBeyondCountingDoNotTrap() {
        let pages = PageDemand(
            least: .max, wanted: .max, slotCount: 1, pagePositionCount: 1, pageBytes: .max)
        let model = PlannerModel(
            layerBytes: [.max, 1], embeddingBytes: .max, outputBytes: 1, tiedHead: true,
            pages: pages, scratchBytes: .max)
        #expect(throws: PlannerFailure.self) { try Planner(model: model).plan(workers: workers(9)) }
    }
}
