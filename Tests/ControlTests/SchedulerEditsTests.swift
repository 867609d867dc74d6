// SPDX-License-Identifier: Apache-2.0

import Control
import Testing
import Wire

/// What is to be done to slots waits for rows, however many clients come and leave meanwhile.
struct SchedulerEditsTests {
    private var limits: SchedulerLimits {
        var limits = SchedulerLimits(
            slotCount: 8, contextLength: 64, rowCountMax: 32, queueCountMax: 8,
            vocabularyCount: FakePipeline.vocabularyCount, endOfGeneration: [])
        limits.pagePositionCount = 4
        limits.keptCountMax = 4
        return limits
    }

    private func carryOut(_ directives: [SchedulerDirective], in pipeline: inout FakePipeline)
        throws
    {
        for case .forward(let stepID, let step) in directives {
            #expect(step.edits.count <= 4 * (limits.slotCount + limits.keptCountMax))
            try pipeline.run(stepID, step)
        }
    }

    /// Followers of a prompt on its way have a slot and no rows; so have those that begin with kept
    /// pages while as many steps are in flight as may be.
    @Test(
        arguments: [[7, 8, 9, 10, 11, 12, 13, 14, 15, 16], [7, 8, 9, 10, 1, 1], [3, 4]]
            as [[UInt32]])
    func clientsThatLeaveAtOnceFillNoStep(prompt: [UInt32]) throws {
        var scheduler = Scheduler(limits: limits)
        var pipeline = FakePipeline(stageCount: 1, limits: limits)
        try carryOut(scheduler.pipelineUp(epoch: 1, stageCount: 1), in: &pipeline)
        func request(_ id: UInt64, _ tokens: [UInt32]) -> SequenceRequest {
            SequenceRequest(
                id: id, prompt: tokens, sampling: SamplingSettings(),
                tokenCountMax: 4)
        }
        let long = (0..<10).map { UInt32($0 + 7) }
        try carryOut(scheduler.submit(request(1, long)), in: &pipeline)
        while let answer = pipeline.takeAnswer() {
            try carryOut(
                scheduler.candidatesArrived(
                    stepID: answer.stepID, Candidates(rows: answer.rows, trail: [])),
                in: &pipeline)
        }
        for id in 2...3 as ClosedRange<UInt64> {
            let other = [UInt32(id)] + long
            try carryOut(scheduler.submit(request(id, other)), in: &pipeline)
        }
        for id in 10..<6_010 as Range<UInt64> {
            try carryOut(scheduler.submit(request(id, prompt)), in: &pipeline)
            try carryOut(scheduler.cancel(id), in: &pipeline)
        }
        while let answer = pipeline.takeAnswer() {
            try carryOut(
                scheduler.candidatesArrived(
                    stepID: answer.stepID, Candidates(rows: answer.rows, trail: [])),
                in: &pipeline)
        }
        #expect(scheduler.isIdle)
        try carryOut(scheduler.submit(request(7_000, [5])), in: &pipeline)
        #expect(scheduler.stepsInFlight == 1)
    }
}
