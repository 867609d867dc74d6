// SPDX-License-Identifier: Apache-2.0

import Control
import Testing
import Wire

/// How many prompt rows go beside decode rows when these take longer as time goes by.
struct SchedulerPaceTests {
    private var scheduler: Scheduler
    private var steps: [(id: UInt64, rows: [Row])] = []

    init() {
        scheduler = Scheduler(
            limits: SchedulerLimits(
                slotCount: 2, contextLength: 100_000, rowCountMax: 512, queueCountMax: 1,
                vocabularyCount: 2, endOfGeneration: []))
        _ = scheduler.pipelineUp(epoch: 1, stageCount: 1)
    }

    private mutating func carryOut(_ directives: [SchedulerDirective]) {
        for case .forward(let id, let step) in directives { steps.append((id, step.rows)) }
    }

    private mutating func submit(_ id: UInt64, promptCount: Int) throws {
        let prompt = [UInt32](repeating: UInt32(id % 2), count: promptCount)
        carryOut(
            try scheduler.submit(
                SequenceRequest(id: id, prompt: prompt, sampling: SamplingSettings())))
    }

    /// Answers the oldest step, whose decode rows took `decode` microseconds and each prompt row
    /// 200; returns its prompt rows.
    private mutating func answer(decode: Int) throws -> Int {
        let (id, rows) = steps.removeFirst()
        let wanted = rows.filter { $0.want != .nothing }
        let promptRowCount = rows.count { $0.want == .nothing }
        let timing = StageTiming(
            stage: 0, waitMicroseconds: 0,
            computeMicroseconds: UInt32(decode + 200 * promptRowCount), sendMicroseconds: 0)
        let candidates = wanted.map {
            RowCandidates(
                slot: $0.slot, position: $0.position, logSumExp: 1.3133,
                logits: .top([Candidate(id: 1, logit: 1), Candidate(id: 0, logit: 0)]))
        }
        carryOut(
            try scheduler.candidatesArrived(
                stepID: id, Candidates(rows: candidates, trail: [timing])))
        return promptRowCount
    }

    /// A stream that takes 10 ms a step is joined by a long prompt; as it grows, 40 ms. Prompt rows
    /// may take as long as decode rows alone, whatever these take by now.
    @Test mutating func promptsKeepTheirShareOfLongerSteps() throws {
        try submit(1, promptCount: 10)
        for _ in 0..<5 { _ = try answer(decode: 10_000) }
        try submit(2, promptCount: 60_000)
        for _ in 0..<20 { _ = try answer(decode: 10_000) }
        var counts: [Int] = []
        for _ in 0..<100 { counts.append(try answer(decode: 40_000)) }
        let latest = counts.suffix(20).filter { $0 > 0 }
        #expect(latest.allSatisfy { (150...250).contains($0) }, "\(counts)")
        // What decode rows take alone is seen anew now and then, not all the time.
        #expect((2...6).contains(counts.count { $0 == 0 }), "\(counts)")
    }
}
