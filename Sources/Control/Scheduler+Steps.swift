// SPDX-License-Identifier: Apache-2.0

package import Wire

extension Scheduler {
    /// The next step, if there is something to run and none is in flight.
    ///
    /// Edits alone make no step: they wait for the next rows.
    mutating func nextStep() -> [SchedulerDirective] {
        guard epoch != nil, inFlight == nil else { return [] }
        var rows: [Row] = []
        var expectations: [StepInFlight.Expectation] = []
        func take(_ count: Int, of sequence: inout RunningSequence) {
            let taken = sequence.takeRows(count)
            rows += taken
            expectations += taken.filter { $0.want != .nothing }
                .map { .init(sequence: sequence.id, row: $0) }
        }
        for index in sequences.indices where sequences[index].isPrefilled {
            take(1, of: &sequences[index])
        }
        for index in sequences.indices where !sequences[index].isPrefilled {
            let budget = limits.rowCountMax - rows.count
            take(min(sequences[index].pendingCount, budget), of: &sequences[index])
        }
        while rows.count < limits.rowCountMax, let slot = freeSlots.last, !queue.isEmpty {
            freeSlots.removeLast()
            var sequence = RunningSequence(queue.removeFirst(), slot: slot)
            take(min(sequence.pendingCount, limits.rowCountMax - rows.count), of: &sequence)
            sequences.append(sequence)
        }
        guard !rows.isEmpty else { return [] }
        let step = Step(edits: edits, rows: rows)
        let id = nextStepID
        nextStepID += 1
        edits = []
        inFlight = StepInFlight(id: id, expectations: expectations)
        return [.forward(stepID: id, step)]
    }

    /// The last stage's answer to the step in flight: tokens, ends, and the next step.
    ///
    /// Throws when it is not that, with nothing changed.
    package mutating func candidatesArrived(
        stepID: UInt64, _ candidates: Candidates
    ) throws(SchedulerFault) -> [SchedulerDirective] {
        guard let step = inFlight, step.id == stepID else {
            throw .unexpectedStep(stepID: stepID, inFlight: inFlight?.id)
        }
        try step.check(candidates, vocabularyCount: limits.vocabularyCount)
        inFlight = nil
        var directives: [SchedulerDirective] = []
        for (expectation, row) in zip(step.expectations, candidates.rows) {
            // A sequence that was cancelled or finished meanwhile is no longer there.
            guard let index = sequences.firstIndex(where: { $0.id == expectation.sequence }) else {
                continue
            }
            directives += advance(index, row)
        }
        return directives + nextStep()
    }

    /// Draws the token after `row` for the sequence at `index`.
    private mutating func advance(_ index: Int, _ row: RowCandidates) -> [SchedulerDirective] {
        var directives: [SchedulerDirective] = []
        if !sequences[index].isPrefilled {
            sequences[index].isPrefilled = true
            directives.append(.prefilled(id: sequences[index].id))
        }
        let request = sequences[index].request
        let sampler = sequences[index].sampler
        switch sampler.choose(row, vocabularyCount: limits.vocabularyCount) {
        case .needsAllLogits:
            sequences[index].cachedCount -= 1
            sequences[index].wantsAllLogits = true
            edits.append(.truncate(slot: row.slot, length: row.position))
        case .token(let token, _) where isEnd(token, of: request):
            directives.append(finished(sequences[index], .stop))
            remove(at: index)
        case .token(let token, let logProbability):
            directives.append(
                .token(
                    id: request.id, token: token, logProbability: logProbability,
                    alternatives: sampler.alternatives(row, count: request.topLogProbabilities)))
            sequences[index].accept(token)
            let isFull = sequences[index].tokens.count >= limits.contextLength
            if isFull || sequences[index].generatedCount == request.tokenCountMax {
                directives.append(finished(sequences[index], .length))
                remove(at: index)
            }
        }
        return directives
    }

    private func isEnd(_ token: UInt32, of request: SequenceRequest) -> Bool {
        !request.ignoresEnd && limits.endOfGeneration.contains(token)
    }
}
