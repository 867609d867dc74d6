// SPDX-License-Identifier: Apache-2.0

extension Scheduler {
    /// Every stage of the plan `epoch` is ready, with empty KV caches of `pageCount` pages (nil for
    /// as many as before). What waited begins. `promptRowSeconds` is what the plan expects a
    /// prompt row to take the slowest stage.
    package mutating func pipelineUp(
        epoch: UInt32, stageCount: Int, pageCount: Int? = nil, promptRowSeconds: Double? = nil
    ) -> [SchedulerDirective] {
        precondition(self.epoch == nil, "pipelineDown comes before the next pipelineUp")
        self.epoch = epoch
        limits.pageCount = pageCount ?? limits.pageCount
        absence = nil
        // The next one to use at the end.
        freeSlots = (0..<UInt32(limits.slotCount + limits.keptCountMax)).reversed()
        forgetPages()
        pace = PipelinePace(
            stageCount: stageCount, rowCountMax: limits.rowCountMax,
            fixedPromptRowCount: limits.promptRowsBesideDecode,
            expectedPromptRowSeconds: promptRowSeconds)
        nextStepID = 1
        return endOverlong() + nextSteps()
    }

    /// The KV caches are empty, or gone.
    private mutating func forgetPages() {
        kept = []
        ledger = PageLedger(limits)
        prefixes = PrefixIndex(pagePositionCount: limits.pagePositionCount)
    }

    /// The new plan may have fewer pages than the one before: what has no room even alone ends,
    /// with what it has.
    private mutating func endOverlong() -> [SchedulerDirective] {
        let limit = limits.lengthMax
        let overlong = queue.filter { $0.tokens.count >= limit }
        queue.removeAll { $0.tokens.count >= limit }
        return overlong.map {
            $0.generatedCount > 0
                ? $0.finished(.length)
                : .failed(id: $0.id, .tooLong(tokens: $0.tokens.count, limit: limit))
        }
    }

    /// The pipeline is gone with its KV caches, or the one that was loading: its sequences wait for
    /// the next one. Only a loss, not what somebody wanted, counts against sequences under which
    /// pipelines go down.
    package mutating func pipelineDown(isLoss: Bool = true) -> [SchedulerDirective] {
        guard epoch != nil else {
            if isLoss { absence?.loadFailed() }
            return []
        }
        epoch = nil
        absence = PipelineAbsence()
        inFlight = []
        edits = []
        freeSlots = []
        forgetPages()
        if isLoss { for index in sequences.indices { sequences[index].durable.lossCount += 1 } }
        queue.insert(contentsOf: sequences.map(\.durable), at: 0)
        sequences = []
        let limit = limits.lossCountMax
        let lost = queue.filter { $0.lossCount > limit }
        queue.removeAll { $0.lossCount > limit }
        return lost.map { .failed(id: $0.id, .lostTooOften(count: $0.lossCount)) }
    }

    /// Time has passed: sequences do not wait for ever for a pipeline; `isLoading` while there is
    /// one to come.
    package mutating func tick(now: Duration, isLoading: Bool = false) -> [SchedulerDirective] {
        let passed = max(.zero, now - self.now)
        self.now += passed
        absence?.passed(passed, isLoading: isLoading)
        guard let absence, absence.counted >= limits.recoveryLimit else { return [] }
        self.absence = nil
        defer { queue = [] }
        return queue.map { .failed(id: $0.id, .notRecovered(limit: limits.recoveryLimit)) }
    }
}
