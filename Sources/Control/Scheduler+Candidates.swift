// SPDX-License-Identifier: Apache-2.0

package import Wire

extension Scheduler {
    /// The last stage's answer to the oldest step in flight: tokens, ends, and further steps.
    ///
    /// Throws when it is not that, with nothing changed.
    package mutating func candidatesArrived(
        stepID: UInt64, _ candidates: Candidates
    ) throws(SchedulerFault) -> [SchedulerDirective] {
        guard let step = inFlight.first, step.id == stepID else {
            throw .unexpectedStep(stepID: stepID, next: inFlight.first?.id)
        }
        try step.check(candidates, vocabularyCount: limits.vocabularyCount)
        inFlight.removeFirst()
        pace.note(step, trail: candidates.trail, trip: now - step.sent)
        var directives: [SchedulerDirective] = []
        var spareDraws = limits.allLogitsRowsMax - candidates.rows.count(where: \.hasAllLogits)
        for (expectation, row) in zip(step.expectations, candidates.rows) {
            // A sequence that has ended or lost its slot meanwhile is no longer there, and a wrong
            // guess not among its tokens.
            guard
                let index = sequences.firstIndex(where: { $0.admission == expectation.admission }),
                sequences[index].durable.tokens.count == Int(row.position) + 1,
                sequences[index].durable.tokens.last == expectation.row.token
            else { continue }
            directives += advance(index, row, &spareDraws)
        }
        return directives + nextSteps()
    }

    /// Draws the token after `row` for the sequence at `index`, and for those that waited for it.
    ///
    /// To draw from all logits takes long: no more do so at once than rows of a step may ask for
    /// them. `spareDraws` says how many more may.
    private mutating func advance(
        _ index: Int, _ row: RowCandidates, _ spareDraws: inout Int
    ) -> [SchedulerDirective] {
        // They fork before the sequence may end and give its positions away.
        let followers = forkFollowers(of: index, drawingMax: row.hasAllLogits ? spareDraws : .max)
        if row.hasAllLogits { spareDraws -= followers.count }
        return followers.reduce(into: draw(index, row)) { directives, admission in
            guard let place = sequences.firstIndex(where: { $0.admission == admission }) else {
                return
            }
            directives += draw(place, row)
        }
    }

    private mutating func draw(_ index: Int, _ row: RowCandidates) -> [SchedulerDirective] {
        var directives: [SchedulerDirective] = []
        sequences[index].isDecoding = true
        let durable = sequences[index].durable
        guard row.logSumExp.isFinite else {
            // Nor may others begin with what it computed.
            release(sequences.remove(at: index).slot)
            return [.failed(id: durable.id, .notANumber)]
        }
        if !durable.isPrefilled {
            sequences[index].durable.isPrefilled = true
            directives.append(.prefilled(id: durable.id))
        }
        switch durable.sampler.choose(row, vocabularyCount: limits.vocabularyCount) {
        case .needsAllLogits:
            sequences[index].durable.wantsAllLogits = true
            sequences[index].dropGuesses()
            takeBack(index, to: Int(row.position))
        case .token(let token, _) where isEnd(token, of: durable.request):
            directives.append(durable.finished(.stop))
            retire(index)
        case .token(let token, let logProbability):
            let count = durable.request.topLogProbabilities
            directives.append(
                .token(
                    id: durable.id, token: token, logProbability: logProbability,
                    alternatives: durable.sampler.alternatives(row, count: count)))
            sequences[index].durable.accept(token)
            settleGuess(index)
            if let finished = finishedByLength(sequences[index].durable) {
                directives.append(finished)
                retire(index)
            }
        }
        return directives
    }

    private func finishedByLength(_ sequence: DurableSequence) -> SchedulerDirective? {
        let isFull = sequence.tokens.count >= limits.lengthMax
        let isDone = sequence.generatedCount == sequence.request.tokenCountMax
        return isFull || isDone ? sequence.finished(.length) : nil
    }

    private func isEnd(_ token: UInt32, of request: SequenceRequest) -> Bool {
        !request.ignoresEnd && limits.endOfGeneration.contains(token)
    }
}

extension RowCandidates {
    fileprivate var hasAllLogits: Bool { if case .all = logits { true } else { false } }
}
