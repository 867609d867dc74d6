// SPDX-License-Identifier: Apache-2.0

import Control
import Testing

/// Thousands of random arrivals, cancellations, losses and answers: every sequence that ends has
/// the tokens of its solo run, every bound holds, nobody starves and nothing is left behind.
struct SchedulerSoakTests {
    private static func limits() -> SchedulerLimits {
        var limits = SchedulerLimits(
            slotCount: 5, contextLength: 110, rowCountMax: 24, queueCountMax: 12,
            vocabularyCount: FakePipeline.vocabularyCount, endOfGeneration: [0, 17])
        limits.stepsInFlightMax = 5
        limits.rowsInFlightMax = 64
        limits.allLogitsRowsMax = 2
        limits.recoveryLimit = .seconds(1)
        return limits
    }

    /// Fewer pages than the sequences would like, and room to keep some of those that have ended.
    private static func pagedLimits() -> SchedulerLimits {
        var limits = limits()
        limits.pagePositionCount = 8
        limits.pageCount = 24
        limits.keptCountMax = 4
        return limits
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func everySequenceHasItsSoloTokens(seed: UInt64) throws {
        var soak = SchedulerSoak(limits: Self.limits(), seed: seed)
        for _ in 0..<4000 { try soak.step() }
        try drain(&soak)
        let slots = try #require(soak.pipeline?.slots)
        #expect(slots.count { !$0.isEmpty } <= 1)
    }

    /// Where tokens are guessed they are still the same.
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func guessesChangeNoToken(seed: UInt64) throws {
        var limits = seed % 2 == 0 ? Self.limits() : Self.pagedLimits()
        limits.guessCountMax = 6
        // Few, so that all of them decode now and then: nobody guesses beside a prompt.
        limits.slotCount = 2
        var soak = SchedulerSoak(limits: limits, seed: seed)
        for _ in 0..<8000 { try soak.step() }
        let (right, all) = (soak.scheduler.rightGuessCount, soak.scheduler.guessCount)
        #expect(right > 100 && all - right > 100, "\(right) of \(all)")
        try drain(&soak)
        #expect(soak.scheduler.pagesInUse == soak.scheduler.pagesKept)
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func pagesNeverRunOutOnAStage(seed: UInt64) throws {
        var soak = SchedulerSoak(limits: Self.pagedLimits(), seed: seed)
        for _ in 0..<4000 { try soak.step() }
        #expect(soak.forkCount > 10, "\(soak.forkCount)")
        #expect(soak.forkedCount > 3, "\(soak.forkedCount)")
        #expect(soak.scheduler.preemptionCount > 3, "\(soak.scheduler.preemptionCount)")
        try drain(&soak)
        #expect(soak.scheduler.pagesInUse == soak.scheduler.pagesKept)
    }

    /// Lets everything come to its end.
    private func drain(_ soak: inout SchedulerSoak) throws {
        if soak.pipeline == nil { try soak.raise() }
        var answerCount = 0
        while !soak.live.isEmpty, answerCount < 20_000 {
            try soak.answer()
            answerCount += 1
        }
        // The releases travel with the next rows.
        try soak.submit()
        while !soak.live.isEmpty, answerCount < 30_000 {
            try soak.answer()
            answerCount += 1
        }
        #expect(soak.scheduler.isIdle)
        #expect(soak.finishedCount > 100, "\(soak.finishedCount)")
        // Answers that came while a sequence was there: of those before it and of its own.
        #expect(soak.oldestAge < 1500, "\(soak.oldestAge)")
    }
}
