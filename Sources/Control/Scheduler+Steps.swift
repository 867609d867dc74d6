// SPDX-License-Identifier: Apache-2.0

import Wire

extension Scheduler {
    /// The steps that can go now: until enough are in flight or there is nothing to run.
    ///
    /// Edits alone make no step: they wait for the next rows.
    mutating func nextSteps() -> [SchedulerDirective] {
        var directives: [SchedulerDirective] = []
        while let step = nextStep() { directives.append(step) }
        return directives
    }

    private mutating func nextStep() -> SchedulerDirective? {
        let decoding = sequences.count { $0.isDecoding }
        let depth = decoding > 0 ? pace.groupCount(streamCount: decoding) : pace.promptDepth
        let rowsLeft = limits.rowsInFlightMax - inFlight.reduce(0) { $0 + $1.rowCount }
        guard epoch != nil, inFlight.count < min(depth, limits.stepsInFlightMax), rowsLeft > 0
        else { return nil }
        let empty = StepDraft(
            id: nextStepID, rowCountMax: min(limits.rowCountMax, rowsLeft),
            allLogitsRowsMax: limits.allLogitsRowsMax)
        var draft = empty
        promoteFollowers()
        forkAwaited()
        // First, as nobody guesses beside a prompt.
        admit()
        planGroup(in: &draft, of: decoding)
        planPrompts(in: &draft, beside: decoding)
        // Oldest first, so that none makes room for others that has rows in this step.
        draft.limit { grant($0.count, at: $0.index) }
        if draft.shares.isEmpty, inFlight.isEmpty, let oldest = sequences.first {
            // Whoever was planned got no pages. The oldest always does: all others make room.
            draft = empty
            _ = draft.plan(1, of: oldest, at: 0)
            draft.limit { grant($0.count, at: $0.index) }
        }
        return draft.shares.isEmpty ? nil : send(draft)
    }

    /// Takes the planned rows. Only now, when all edits of the step are known: they come first.
    private mutating func send(_ draft: StepDraft) -> SchedulerDirective {
        var rows: [Row] = []
        var expectations: [StepInFlight.Expectation] = []
        var promptRowCount = 0
        for share in draft.shares {
            let taken = sequences[share.index].takeRows(share.count, stepID: draft.id)
            let sequence = sequences[share.index]
            rows += taken
            expectations += taken.filter { $0.want != .nothing }
                .map { .init(admission: sequence.admission, row: $0) }
            if !sequence.isDecoding { promptRowCount += share.count }
        }
        inFlight.append(
            StepInFlight(
                id: draft.id, expectations: expectations, rowCount: rows.count,
                promptRowCount: promptRowCount,
                streamCount: sequences.count { $0.isDecoding }, sent: now))
        let step = Step(edits: edits, rows: rows)
        nextStepID += 1
        edits = []
        return .forward(stepID: draft.id, step)
    }

    /// An even share of the sequences that decode, of those that are not in flight. Whoever has
    /// waited longest comes first, and so do prompts that lack no more than all logits: those that
    /// decode would else take all the room there is for such rows until they end.
    private mutating func planGroup(in draft: inout StepDraft, of decoding: Int) {
        let groupCount = min(pace.groupCount(streamCount: decoding), limits.stepsInFlightMax)
        var left = (decoding + groupCount - 1) / groupCount
        let takesPrompts = !pace.needsQuietStep(streamCount: decoding)
        let ready = sequences.indices.filter {
            sequences[$0].isDecoding && sequences[$0].pendingCount > 0 && canGrow($0)
                || takesPrompts && sequences[$0].lacksAllLogits
        }
        let order = ready.sorted {
            (sequences[$0].lastStepID, $0) < (sequences[$1].lastStepID, $1)
        }
        guess(for: order.filter { sequences[$0].isDecoding }.prefix(left).map { $0 })
        for index in order where left > 0 {
            let countMax = 1 + sequences[index].guesses.count
            let count = draft.plan(countMax, of: sequences[index], at: index)
            if sequences[index].isDecoding, count > 0 { left -= 1 }
        }
    }

    /// Chunks of prompts. Half of the rows belong to the oldest prompt, so that none starves, half
    /// to the one that is nearest to its end, so that a short one does not wait for a long one.
    /// Nothing beside decode rows whose time alone is to be measured first.
    private func planPrompts(in draft: inout StepDraft, beside decoding: Int) {
        guard draft.shares.isEmpty || !pace.needsQuietStep(streamCount: decoding) else { return }
        let order = sequences.indices.filter {
            !sequences[$0].isDecoding && sequences[$0].leader == nil
                && sequences[$0].awaited == nil && sequences[$0].pendingCount > 0
        }
        guard let oldest = order.first else { return }
        let ends = promptEnds()
        let nearest = order.min { (ends[$0], $0) < (ends[$1], $1) } ?? oldest
        let pending = order.reduce(0) { $0 + sequences[$1].pendingCount }
        var left = min(promptBudget(pending, isDecoding: decoding > 0), draft.rowsLeft)
        let halves = nearest == oldest ? [] : [(oldest, (left + 1) / 2)]
        for (index, share) in halves + [(nearest, left)] + order.map({ ($0, left) }) {
            left -= draft.plan(min(share, left), of: sequences[index], at: index)
        }
    }

    private func promptBudget(_ pendingCount: Int, isDecoding: Bool) -> Int {
        let budget = pace.promptRowCount(isDecoding: isDecoding, pendingCount: pendingCount)
        guard !isDecoding else { return budget }
        // Each stage is given a part before the first one is back: on slow machines that did not
        // measure themselves larger ones would take minutes, and who comes meanwhile would wait.
        guard pace.knowsPromptRows else { return min(budget, PipelinePace.leastChunk) }
        // So that in a long pipeline every stage has one.
        let share = limits.rowsInFlightMax / pace.promptDepth
        return min(budget, max(PipelinePace.leastChunk, share))
    }

    /// Rows to the end of each sequence's prompt, or of the nearest of those that wait for it.
    private func promptEnds() -> [Int] {
        var ends = sequences.map(\.pendingCount)
        // Who waits comes later, so those that wait for one that waits are known by then.
        for waiting in sequences.indices.reversed() {
            guard let awaited = sequences[waiting].awaited,
                let index = sequences.firstIndex(where: { $0.admission == awaited.admission })
            else { continue }
            ends[index] = min(ends[index], ends[waiting] - sequences[index].cachedCount)
        }
        return ends
    }
}
