// SPDX-License-Identifier: Apache-2.0

import Control
import Testing
import Wire

/// Random events for a scheduler, and what must hold whatever they are.
struct SchedulerSoak {
    struct Live {
        let request: SequenceRequest
        let solo: [UInt32]
        var got: [UInt32] = []
        var isPrefilled = false
        /// Answers that came while a pipeline was up and the sequence was not yet at its end.
        var age = 0
    }

    let limits: SchedulerLimits
    private(set) var scheduler: Scheduler
    private(set) var pipeline: FakePipeline?
    private(set) var live: [UInt64: Live] = [:]
    private(set) var finishedCount = 0
    private(set) var failedCount = 0
    private(set) var forkCount = 0
    /// Sequences whose first token came of another's row.
    private(set) var forkedCount = 0
    private(set) var oldestAge = 0
    private var random: SplitMix
    private var lastID: UInt64 = 0
    private var epoch: UInt32 = 0
    private var now = Duration.zero

    init(limits: SchedulerLimits, seed: UInt64) {
        self.limits = limits
        scheduler = Scheduler(limits: limits)
        random = SplitMix(state: seed)
    }

    mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

    /// One event of any kind.
    mutating func step() throws {
        now += .milliseconds(number(0...40))
        try carryOut(scheduler.tick(now: now))
        guard pipeline != nil else {
            if number(0...5) == 0 { return try raise() }
            return try submitOrCancel()
        }
        switch number(0...99) {
        case 0: try lose()
        case 1...25: try submitOrCancel()
        default: try answer()
        }
    }

    mutating func raise() throws {
        let stageCount = number(1...5)
        pipeline = FakePipeline(stageCount: stageCount, limits: limits)
        epoch += 1
        try carryOut(scheduler.pipelineUp(epoch: epoch, stageCount: stageCount))
    }

    mutating func lose() throws {
        pipeline = nil
        try carryOut(scheduler.pipelineDown())
    }

    private mutating func submitOrCancel() throws {
        let ids = live.keys.sorted()
        switch number(0...9) {
        case 0 where !ids.isEmpty:
            let id = ids[number(0...ids.count - 1)]
            live[id] = nil
            try carryOut(scheduler.cancel(id))
        case 1 where !ids.isEmpty:
            let id = ids[number(0...ids.count - 1)]
            let got = live[id]?.got ?? []
            let directives = scheduler.finish(id, reason: .stop)
            // It ends where the shell says.
            if let whole = live[id] {
                #expect(whole.solo.starts(with: got))
                live[id] = Live(request: whole.request, solo: got, got: got)
            }
            try carryOut(directives)
        case 2...4: try submitChoices()
        default: try submit()
        }
    }

    mutating func submit() throws {
        lastID += 1
        try submit(makeRequest(id: lastID))
    }

    /// One prompt several times, drawn from differently.
    private mutating func submitChoices() throws {
        let request = makeRequest(id: 0)
        for index in 0..<UInt64(number(2...6)) {
            lastID += 1
            var choice = request
            choice.id = lastID
            choice.sampling.seed += index
            try submit(choice)
        }
    }

    private mutating func submit(_ request: SequenceRequest) throws {
        let directives: [SchedulerDirective]
        do throws(SchedulerRefusal) {
            directives = try scheduler.submit(request)
        } catch {
            let isFull =
                scheduler.running + scheduler.waiting >= limits.slotCount + limits.queueCountMax
            let isHuge =
                request.prompt.count + (request.tokenCountMax ?? 0)
                > scheduler.limits.pageCount * limits.pagePositionCount
            #expect(error == .notReady || isFull || isHuge, "\(error)")
            return
        }
        let solo = FakePipeline.solo(request, limits: limits)
        live[request.id] = Live(request: request, solo: solo)
        try carryOut(directives)
    }

    private mutating func makeRequest(id: UInt64) -> SequenceRequest {
        // Many begin alike.
        let common = (0..<UInt32(number(0...2) * 12)).map { ($0 * 7 + 3) % 100 }
        let isLong = number(0...5) == 0
        let own = (0..<number(isLong ? 30...70 : 1...9)).map { _ in UInt32(number(1...199)) }
        var settings = SamplingSettings()
        settings.temperature = [0, 0.7, 2][number(0...2)]
        settings.topP = number(0...1) == 0 ? 1 : 0.9
        settings.seed = UInt64(number(0...1000))
        switch number(0...9) {
        case 0: settings.presencePenalty = -0.5
        case 1: settings.frequencyPenalty = 0.3
        case 2: settings.repetitionPenalty = 1.2
        default: break
        }
        return SequenceRequest(
            id: id, prompt: common + own, sampling: settings,
            tokenCountMax: number(0...4) == 0 ? nil : number(1...30),
            ignoresEnd: number(0...3) == 0)
    }

    /// The oldest step comes back, now and then with a lie first.
    mutating func answer() throws {
        guard let answer = pipeline?.takeAnswer() else { return }
        if number(0...20) == 0 {
            let wrong = Candidates(rows: answer.rows, trail: [])
            #expect(throws: SchedulerFault.self) {
                _ = try scheduler.candidatesArrived(stepID: answer.stepID + 1, wrong)
            }
        }
        for id in live.keys { live[id]?.age += 1 }
        let trail = (0..<(pipeline?.stageCount ?? 0)).map { stage in
            StageTiming(
                stage: UInt16(stage), waitMicroseconds: 0,
                computeMicroseconds: computeTime(rowCount: answer.rowCount), sendMicroseconds: 0)
        }
        let candidates = Candidates(rows: answer.rows, trail: trail)
        try carryOut(try scheduler.candidatesArrived(stepID: answer.stepID, candidates))
    }

    /// Anything at all; or, where rows are to be guessed, so that a few cost little.
    private mutating func computeTime(rowCount: Int) -> UInt32 {
        UInt32(
            limits.guessCountMax > 0
                ? 8_000 + 400 * rowCount + number(0...500) : number(500...20_000))
    }

    // MARK: What must hold

    private mutating func carryOut(_ directives: [SchedulerDirective]) throws {
        for directive in directives {
            switch directive {
            case .forward(let stepID, let step):
                check(step)
                try pipeline?.run(stepID, step)
            case .prefilled(let id):
                #expect(live[id]?.isPrefilled == false, "prefilled \(id) twice")
                live[id]?.isPrefilled = true
            case .token(let id, let token, _, _):
                if live[id]?.isPrefilled == false { forkedCount += 1 }
                live[id]?.isPrefilled = true
                live[id]?.got.append(token)
            case .finished(let id, _, let promptCount, let generatedCount):
                let sequence = live.removeValue(forKey: id)
                #expect(sequence?.got == sequence?.solo, "sequence \(id)")
                #expect(sequence?.request.prompt.count == promptCount)
                #expect(sequence?.got.count == generatedCount)
                oldestAge = max(oldestAge, sequence?.age ?? 0)
                finishedCount += 1
            case .failed(let id, _):
                let sequence = live.removeValue(forKey: id)
                #expect(sequence?.solo.starts(with: sequence?.got ?? []) == true)
                failedCount += 1
            }
        }
        #expect(scheduler.running + scheduler.waiting == live.count)
        #expect(scheduler.running <= limits.slotCount)
        #expect(scheduler.stepsInFlight <= limits.stepsInFlightMax)
        #expect((pipeline?.rowsInFlight ?? 0) <= limits.rowsInFlightMax)
    }

    private mutating func check(_ step: Step) {
        #expect(!step.rows.isEmpty && step.rows.count <= limits.rowCountMax)
        forkCount += step.edits.count { if case .fork = $0 { true } else { false } }
        let whole = step.rows.count { $0.want == .allLogits }
        #expect(whole <= limits.allLogitsRowsMax)
        #expect(step.edits.count <= Limits.editsMax)
    }
}
