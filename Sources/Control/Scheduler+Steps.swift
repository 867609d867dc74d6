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
        let depth = decoding > 0 ? pace.groupCount : pace.promptDepth
        let rowsLeft = limits.rowsInFlightMax - inFlight.reduce(0) { $0 + $1.rowCount }
        guard epoch != nil, inFlight.count < min(depth, limits.stepsInFlightMax), rowsLeft > 0
        else { return nil }
        var draft = StepDraft(
            id: nextStepID, rowCountMax: min(limits.rowCountMax, rowsLeft),
            allLogitsRowsMax: limits.allLogitsRowsMax)
        takeGroup(into: &draft, of: decoding)
        admit()
        takePrompts(into: &draft, isDecoding: decoding > 0)
        guard !draft.rows.isEmpty else { return nil }
        let step = Step(edits: edits, rows: draft.rows)
        nextStepID += 1
        edits = []
        inFlight.append(StepInFlight(draft, sent: now))
        return .forward(stepID: draft.id, step)
    }

    /// An even share of the sequences that decode, of those that are not in flight. Whoever has
    /// waited longest comes first.
    private mutating func takeGroup(into draft: inout StepDraft, of decoding: Int) {
        let groupCount = min(pace.groupCount, limits.stepsInFlightMax)
        var left = (decoding + groupCount - 1) / groupCount
        let ready = sequences.indices.filter {
            sequences[$0].isDecoding && sequences[$0].pendingCount > 0
        }
        let order = ready.sorted {
            (sequences[$0].lastStepID, $0) < (sequences[$1].lastStepID, $1)
        }
        for index in order where left > 0 { left -= draft.take(1, of: &sequences[index]) }
    }

    /// Gives free slots to those that wait, in order of arrival.
    private mutating func admit() {
        while !queue.isEmpty, let slot = freeSlots.popLast() {
            admissionCount += 1
            sequences.append(
                RunningSequence(queue.removeFirst(), slot: slot, admission: admissionCount))
        }
    }

    /// Chunks of prompts. Half of the rows belong to the oldest prompt, so that none starves, half
    /// to the one that is nearest to its end, so that a short one does not wait for a long one.
    private mutating func takePrompts(into draft: inout StepDraft, isDecoding: Bool) {
        let order = sequences.indices.filter {
            !sequences[$0].isDecoding && sequences[$0].pendingCount > 0
        }
        guard let oldest = order.first,
            let nearest = order.min(by: {
                (sequences[$0].pendingCount, $0) < (sequences[$1].pendingCount, $1)
            })
        else { return }
        let pending = order.reduce(0) { $0 + sequences[$1].pendingCount }
        let budget = pace.promptRowCount(isDecoding: isDecoding, pendingCount: pending)
        var left = min(budget, draft.rowsLeft)
        if nearest != oldest { left -= draft.take((left + 1) / 2, of: &sequences[oldest]) }
        left -= draft.take(left, of: &sequences[nearest])
        for index in order where left > 0 { left -= draft.take(left, of: &sequences[index]) }
    }
}
