// SPDX-License-Identifier: Apache-2.0

import Wire

/// Decides which rows run when, and which token follows.
///
/// Several steps are in flight at once. The sequences that decode are divided into as many groups
/// as keep all stages busy (`PipelinePace`); a group's step is formed when an earlier one comes
/// back, of those that have waited longest, so groups become even again as sequences come and go.
/// Prompts go in chunks beside them, chunk after chunk without waiting for candidates.
///
/// Sequences are admitted in order of arrival, when there are pages for their tokens; those with
/// the same prompt have it computed once (`Scheduler+Forks`). Slots are
/// given back by edits, which each stage applies before the step's rows: a slot may be used again
/// in the very step that releases it. When pages run out the youngest sequence makes room, and
/// comes back later.
///
/// When the pipeline goes down its sequences wait, before all others, and are rebuilt from their
/// tokens in the next one.
package struct Scheduler: Sendable {
    /// `pageCount` is the current plan's.
    package internal(set) var limits: SchedulerLimits
    /// nil while no pipeline is up.
    package internal(set) var epoch: UInt32?
    /// In order of arrival; all arrived before those that wait.
    var sequences: [RunningSequence] = []
    var queue: [DurableSequence] = []
    /// Slots with whole pages of sequences that have ended, kept for those that begin alike; the
    /// least recently used first.
    var kept: [UInt32] = []
    /// What the slots begin with; of those that run as far as `longestPrefix` last looked.
    var prefixes: PrefixIndex
    var ledger: PageLedger
    var freeSlots: [UInt32] = []
    var edits: [KVEdit] = []
    /// Oldest first, which is the order they come back in.
    var inFlight: [StepInFlight] = []
    var pace: PipelinePace
    var nextStepID: UInt64 = 1
    var admissionCount: UInt64 = 0
    /// Sequences that had to make room so far.
    package internal(set) var preemptionCount = 0
    /// Tokens that were drawn after they had been guessed (`Scheduler+Guesses`), so far, and those
    /// of them that were guessed right.
    package internal(set) var guessCount = 0
    package internal(set) var rightGuessCount = 0
    /// The latest time seen, since any fixed start.
    var now = Duration.zero
    /// nil while there is a pipeline, or no hope of one.
    var absence: PipelineAbsence?

    package init(limits: SchedulerLimits) {
        self.limits = limits
        pace = PipelinePace(stageCount: 1, rowCountMax: limits.rowCountMax)
        ledger = PageLedger(limits)
        prefixes = PrefixIndex(pagePositionCount: limits.pagePositionCount)
    }

    /// Sequences that have a slot.
    package var running: Int { sequences.count }
    /// Sequences that have none.
    package var waiting: Int { queue.count }
    /// Pages of the KV caches that sequences hold, those of kept prefixes included.
    package var pagesInUse: Int { ledger.usedCount }
    /// Pages that only kept prefixes hold: free for whoever needs them.
    package var pagesKept: Int { ledger.keptCount }
    /// Steps that have not come back.
    package var stepsInFlight: Int { inFlight.count }
    /// Whether no sequence runs or waits. A step may still be in flight.
    package var isIdle: Bool { sequences.isEmpty && queue.isEmpty }

    /// Takes a sequence in, or throws why not.
    package mutating func submit(
        _ sequence: SequenceRequest
    ) throws(SchedulerRefusal) -> [SchedulerDirective] { try submit([sequence]) }

    /// Takes sequences in, all or none: no step goes out for some of them before the last is known
    /// to be fit.
    package mutating func submit(
        _ requests: [SequenceRequest]
    ) throws(SchedulerRefusal) -> [SchedulerDirective] {
        guard epoch != nil || absence != nil else { throw .notReady }
        for request in requests { try check(request) }
        // Those that find a slot with the next step do not wait for one.
        let room = limits.slotCount + limits.queueCountMax - running - waiting
        guard requests.count(where: { !$0.isDone }) <= room else {
            throw .queueFull(waiting: waiting)
        }
        var directives: [SchedulerDirective] = []
        var latest: DurableSequence?
        for request in requests {
            let durable = DurableSequence(request, neighbour: latest)
            latest = durable
            if request.isDone {
                directives.append(durable.finished(.length))
            } else {
                queue.append(durable)
            }
        }
        return directives + nextSteps()
    }

    private func check(_ sequence: SequenceRequest) throws(SchedulerRefusal) {
        guard !sequence.prompt.isEmpty else { throw .emptyPrompt }
        guard sequence.prompt.count < limits.lengthMax else {
            throw .promptTooLong(tokens: sequence.prompt.count, contextLength: limits.lengthMax)
        }
        let vocabularyCount = limits.vocabularyCount
        if let token = sequence.prompt.first(where: { $0 >= vocabularyCount }) {
            throw .tokenOutOfRange(token: token, vocabularyCount: vocabularyCount)
        }
    }

    /// Drops the sequence wherever it stands; nothing more is said of it.
    package mutating func cancel(_ id: UInt64) -> [SchedulerDirective] {
        queue.removeAll { $0.id == id }
        if let index = sequences.firstIndex(where: { $0.id == id }) { retire(index) }
        return nextSteps()
    }

    /// Ends a sequence for a reason only the shell can see, such as a stop text.
    package mutating func finish(
        _ id: UInt64, reason: FinishReason
    ) -> [SchedulerDirective] {
        if let index = queue.firstIndex(where: { $0.id == id }) {
            return [queue.remove(at: index).finished(reason)]
        }
        guard let index = sequences.firstIndex(where: { $0.id == id }) else { return [] }
        let finished = sequences[index].durable.finished(reason)
        retire(index)
        return [finished] + nextSteps()
    }
}

extension Scheduler {
    /// The sequences that have a slot.
    package var runningIDs: Set<UInt64> { Set(sequences.map(\.id)) }

    /// Whether the sequence has a slot.
    package func isRunning(_ id: UInt64) -> Bool { sequences.contains { $0.id == id } }
}
