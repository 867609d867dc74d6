// SPDX-License-Identifier: Apache-2.0

import Control
import Testing
import Wire

/// What has to make room loses as much as is lacking, and little more.
struct SchedulerKeptPagesTests {
    /// A scheduler over stages that keep tokens, and what comes of it.
    private struct Run {
        var scheduler: Scheduler
        var pipeline: FakePipeline
        var rowCount = 0
        var tokens: [UInt64: [UInt32]] = [:]

        init(_ limits: SchedulerLimits) {
            scheduler = Scheduler(limits: limits)
            pipeline = FakePipeline(stageCount: 1, limits: limits)
            _ = scheduler.pipelineUp(epoch: 1, stageCount: 1)
        }

        /// Submits all at once and lets them come to their ends.
        mutating func finish(_ requests: [SequenceRequest]) throws {
            try carryOut(try scheduler.submit(requests))
            while let (stepID, rows, _) = pipeline.takeAnswer() {
                try carryOut(
                    try scheduler.candidatesArrived(
                        stepID: stepID, Candidates(rows: rows, trail: [])))
            }
        }

        private mutating func carryOut(_ directives: [SchedulerDirective]) throws {
            for directive in directives {
                switch directive {
                case .forward(let stepID, let step):
                    rowCount += step.rows.count
                    try pipeline.run(stepID, step)
                case .token(let id, let token, _, _): tokens[id, default: []].append(token)
                case .prefilled, .finished, .failed: break
                }
            }
        }
    }

    private func limits(pageCount: Int) -> SchedulerLimits {
        var limits = SchedulerLimits(
            slotCount: 2, contextLength: 1000, rowCountMax: 64, queueCountMax: 4,
            vocabularyCount: FakePipeline.vocabularyCount, endOfGeneration: [])
        limits.pagePositionCount = 4
        limits.pageCount = pageCount
        limits.keptCountMax = 4
        return limits
    }

    private func request(_ id: UInt64, _ prompt: [UInt32], _ count: Int) -> SequenceRequest {
        SequenceRequest(
            id: id, prompt: prompt, sampling: SamplingSettings(), tokenCountMax: count)
    }

    private func tokens(_ count: Int, from first: UInt32) -> [UInt32] {
        (0..<UInt32(count)).map { (first + $0 * 7) % UInt32(FakePipeline.vocabularyCount) }
    }

    /// A conversation of 100 pages is kept, and another stream lacks three.
    @Test func aKeptPrefixLosesItsEnd() throws {
        let limits = limits(pageCount: 110)
        var run = Run(limits)
        let conversation = tokens(400, from: 1)
        let other = request(2, tokens(48, from: 2), 4)
        try run.finish([request(1, conversation, 1)])
        try run.finish([other])
        #expect(run.rowCount == 400 + 48 + 3)
        let next = request(3, conversation + tokens(20, from: 3), 2)
        try run.finish([next])
        // The 20 and what was given up: at most eight pages more than were lacking.
        #expect(run.rowCount <= 451 + 20 + 1 + 11 * 4)
        #expect(run.tokens[2] == FakePipeline.solo(other, limits: limits))
        #expect(run.tokens[3] == FakePipeline.solo(next, limits: limits))
    }

    /// Two streams fill all pages; the elder lacks two more, and then ends.
    @Test func whoMakesRoomFindsMostOfItsPagesAgain() throws {
        let limits = limits(pageCount: 40)
        var run = Run(limits)
        let elder = request(1, tokens(60, from: 1), 28)
        let younger = request(2, tokens(60, from: 2), 60)
        try run.finish([elder, younger])
        #expect(run.scheduler.preemptionCount == 1)
        #expect(run.rowCount <= (60 + 27) + (60 + 59) + 10 * 4)
        #expect(run.tokens[1] == FakePipeline.solo(elder, limits: limits))
        #expect(run.tokens[2] == FakePipeline.solo(younger, limits: limits))
    }
}
