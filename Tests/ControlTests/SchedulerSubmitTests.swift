// SPDX-License-Identifier: Apache-2.0

import Control
import Testing
import Wire

/// Requests with several prompts or choices.
struct SchedulerSubmitTests {
    private func started() -> Scheduler {
        let limits = SchedulerLimits(
            slotCount: 3, contextLength: 64, rowCountMax: 32, queueCountMax: 2,
            vocabularyCount: FakePipeline.vocabularyCount, endOfGeneration: [])
        var scheduler = Scheduler(limits: limits)
        _ = scheduler.pipelineUp(epoch: 1, stageCount: 1)
        return scheduler
    }

    /// To draw from all logits takes long, and nothing else is decided meanwhile.
    @Test func fewDrawFromAllLogitsAtOnce() throws {
        var limits = SchedulerLimits(
            slotCount: 5, contextLength: 64, rowCountMax: 32, queueCountMax: 2,
            vocabularyCount: FakePipeline.vocabularyCount, endOfGeneration: [])
        limits.allLogitsRowsMax = 2
        var scheduler = Scheduler(limits: limits)
        var pipeline = FakePipeline(stageCount: 1, limits: limits)
        _ = scheduler.pipelineUp(epoch: 1, stageCount: 1)
        var sampling = SamplingSettings()
        sampling.presencePenalty = -0.5
        let choices = (0..<5 as Range<UInt64>).map {
            SequenceRequest(id: $0, prompt: [1, 2, 3], sampling: sampling, tokenCountMax: 3)
        }
        var tokenCounts: [Int] = []
        func carryOut(_ directives: [SchedulerDirective]) throws {
            for case .forward(let stepID, let step) in directives {
                try pipeline.run(stepID, step)
            }
            tokenCounts.append(directives.count { if case .token = $0 { true } else { false } })
        }
        try carryOut(scheduler.submit(choices))
        while let answer = pipeline.takeAnswer() {
            try carryOut(
                scheduler.candidatesArrived(
                    stepID: answer.stepID, Candidates(rows: answer.rows, trail: [])))
        }
        #expect(tokenCounts.allSatisfy { $0 <= 2 }, "\(tokenCounts)")
        #expect(tokenCounts.reduce(0, +) == 5 * 3)
        #expect(scheduler.isIdle)
    }

    private func requests(_ prompts: [[UInt32]]) -> [SequenceRequest] {
        prompts.enumerated().map {
            SequenceRequest(id: UInt64($0.offset), prompt: $0.element, tokenCountMax: 4)
        }
    }

    @Test(
        arguments: [
            [[1, 2], []], [[1, 2], [.max]], [[1, 2], Array(repeating: 1, count: 65)],
        ] as [[[UInt32]]])
    func nothingIsComputedForARequestOfWhichAPartIsRefused(prompts: [[UInt32]]) {
        var scheduler = started()
        #expect(throws: SchedulerRefusal.self) { try scheduler.submit(requests(prompts)) }
        #expect(scheduler.isIdle && scheduler.stepsInFlight == 0)
    }

    @Test func allFindRoomOrNone() throws {
        var scheduler = started()
        let six = requests((1...6).map { [$0] })
        #expect(throws: SchedulerRefusal.queueFull(waiting: 0)) { try scheduler.submit(six) }
        #expect(scheduler.isIdle)
        #expect(try scheduler.submit(Array(six.prefix(5))).count == 1)
        #expect(scheduler.running == 3 && scheduler.waiting == 2)
    }
}
