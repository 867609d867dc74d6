// SPDX-License-Identifier: Apache-2.0

import Control
import Testing
import Wire

/// Sequences that want all logits: to draw from them takes long, and nothing else is decided
/// meanwhile.
struct SchedulerAllLogitsTests {
    /// What one answer brought: how many tokens, and of them those drawn from all logits.
    private struct Draws {
        var ids: [UInt64] = []
        var wholeCount = 0
    }

    private func request(_ id: UInt64, _ prompt: [UInt32], isWhole: Bool) -> SequenceRequest {
        var sampling = SamplingSettings()
        sampling.presencePenalty = isWhole ? -0.5 : 0
        sampling.temperature = 0
        return SequenceRequest(
            id: id, prompt: prompt, sampling: sampling, tokenCountMax: 12, ignoresEnd: true)
    }

    /// Lets all requests come to their end.
    private func run(
        _ requests: [SequenceRequest], stageCount: Int = 1
    ) throws -> [Draws] {
        let limits = SchedulerLimits(
            slotCount: requests.count, contextLength: 64, rowCountMax: 512, queueCountMax: 0,
            vocabularyCount: FakePipeline.vocabularyCount, endOfGeneration: [])
        var scheduler = Scheduler(limits: limits)
        var pipeline = FakePipeline(stageCount: stageCount, limits: limits)
        _ = scheduler.pipelineUp(epoch: 1, stageCount: stageCount)
        let whole = Set(requests.filter { $0.sampling.presencePenalty < 0 }.map(\.id))
        var all: [Draws] = []
        func carryOut(_ directives: [SchedulerDirective]) throws {
            var draws = Draws()
            for directive in directives {
                if case .forward(let stepID, let step) = directive {
                    try pipeline.run(stepID, step)
                }
                guard case .token(let id, _, _, _) = directive else { continue }
                draws.ids.append(id)
                if whole.contains(id) { draws.wholeCount += 1 }
            }
            all.append(draws)
        }
        try carryOut(scheduler.submit(requests))
        while let answer = pipeline.takeAnswer() {
            let candidates = Candidates(rows: answer.rows, trail: [])
            try carryOut(scheduler.candidatesArrived(stepID: answer.stepID, candidates))
        }
        #expect(scheduler.isIdle)
        return all
    }

    @Test(arguments: [1, 3]) func othersNeitherWaitForThemNorDoTheyStarve(stages: Int) throws {
        let requests = (0..<44 as Range<UInt64>).map {
            request($0, [UInt32($0)], isWhole: $0 < 40)
        }
        let draws = try run(requests, stageCount: stages)
        #expect(draws.allSatisfy { $0.wholeCount <= 8 })
        #expect(draws.reduce(0) { $0 + $1.ids.count } == 44 * 12)
        var counts = [Int](repeating: 0, count: 44)
        for draw in draws {
            for id in draw.ids { counts[Int(id)] += 1 }
            let slow = counts[..<40]
            // Prompts may miss one step, which is to show what the others take alone.
            #expect((slow.max() ?? 0) - (slow.min() ?? 0) <= 2, "\(counts)")
        }
        // A token each whenever their step comes back, which is one answer in as many as stages.
        let end = draws.lastIndex { $0.ids.contains { $0 >= 40 } }
        #expect(try #require(end) <= 14 * stages)
    }

    @Test func fewDoSoForAllPromptsOfAStepTogether() throws {
        let requests = (0..<30 as Range<UInt64>).map {
            request($0, [UInt32($0 % 5), 1, 2], isWhole: true)
        }
        let draws = try run(requests)
        #expect(draws.allSatisfy { $0.wholeCount <= 8 }, "\(draws.map(\.wholeCount))")
        #expect(draws.reduce(0) { $0 + $1.wholeCount } == 30 * 12)
    }
}
