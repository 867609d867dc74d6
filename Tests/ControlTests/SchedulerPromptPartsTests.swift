// SPDX-License-Identifier: Apache-2.0

import Control
import Testing
import Wire

/// Where nobody decodes, parts of a prompt are no larger than another can wait for.
struct SchedulerPromptPartsTests {
    /// After a part of 64 rows that took so many microseconds the next has as many as take half a
    /// second, but no fewer than 64.
    @Test(arguments: [(500_000, 64), (125_000, 256), (25_000, 512)] as [(UInt32, Int)])
    func slowStagesGetSmallParts(microseconds: UInt32, rowCount: Int) throws {
        var scheduler = scheduler()
        _ = scheduler.pipelineUp(epoch: 1, stageCount: 1)
        let first = try submit(to: &scheduler)
        #expect(rowCounts(first) == [64, 64])
        let timing = StageTiming(
            stage: 0, waitMicroseconds: 0, computeMicroseconds: microseconds,
            sendMicroseconds: 0)
        let next = try scheduler.candidatesArrived(
            stepID: 1, Candidates(rows: [], trail: [timing]))
        #expect(rowCounts(next) == [rowCount])
    }

    /// Before anything is measured the plan's word counts.
    @Test(arguments: [(0.02, 64), (0.002, 250), (0.000_2, 512)])
    func expectedTimesBoundTheFirstParts(seconds: Double, rowCount: Int) throws {
        var scheduler = scheduler()
        _ = scheduler.pipelineUp(epoch: 1, stageCount: 1, promptRowSeconds: seconds)
        let first = try submit(to: &scheduler)
        #expect(rowCounts(first) == [rowCount, rowCount])
    }

    private func scheduler() -> Scheduler {
        Scheduler(
            limits: SchedulerLimits(
                slotCount: 1, contextLength: 2_048, rowCountMax: 512, queueCountMax: 1,
                vocabularyCount: 10, endOfGeneration: []))
    }

    private func submit(to scheduler: inout Scheduler) throws -> [SchedulerDirective] {
        let prompt = [UInt32](repeating: 3, count: 1_800)
        return try scheduler.submit(
            SequenceRequest(id: 1, prompt: prompt, sampling: SamplingSettings()))
    }

    private func rowCounts(_ directives: [SchedulerDirective]) -> [Int] {
        directives.compactMap { directive in
            guard case .forward(_, let step) = directive else { return nil }
            return step.rows.count
        }
    }
}
