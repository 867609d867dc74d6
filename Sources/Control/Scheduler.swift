// SPDX-License-Identifier: Apache-2.0

import Wire

/// Decides which rows run when, and which token follows.
///
/// Sequences are admitted first come, first served, as slots become free. One step is in flight at
/// a time in this version. A step has one row of every sequence that is generating, then chunks of
/// prompts in order of admission up to the row budget, so a long prompt never stops a stream.
/// Slots are given back by edits, which each stage applies before the step's rows: a slot may be
/// used again in the very step that releases it.
package struct Scheduler: Sendable {
    package let limits: SchedulerLimits
    /// nil while no pipeline is up.
    package private(set) var epoch: UInt32?
    var sequences: [RunningSequence] = []
    var queue: [SequenceRequest] = []
    var freeSlots: [UInt32]
    var edits: [KVEdit] = []
    var inFlight: StepInFlight?
    var nextStepID: UInt64 = 1

    package init(limits: SchedulerLimits) {
        self.limits = limits
        freeSlots = Self.slots(limits)
    }

    /// Sequences that have a slot.
    package var running: Int { sequences.count }
    /// Sequences that have none yet.
    package var waiting: Int { queue.count }
    /// Whether no sequence runs or waits. A step may still be in flight.
    package var isIdle: Bool { sequences.isEmpty && queue.isEmpty }

    /// Takes a sequence in, or throws why not.
    package mutating func submit(
        _ sequence: SequenceRequest
    ) throws(SchedulerRefusal) -> [SchedulerDirective] {
        guard epoch != nil else { throw .notReady }
        guard !sequence.prompt.isEmpty else { throw .emptyPrompt }
        guard sequence.prompt.count < limits.contextLength else {
            throw .promptTooLong(
                tokens: sequence.prompt.count, contextLength: limits.contextLength)
        }
        let vocabularyCount = limits.vocabularyCount
        if let token = sequence.prompt.first(where: { $0 >= vocabularyCount }) {
            throw .tokenOutOfRange(token: token, vocabularyCount: vocabularyCount)
        }
        if let count = sequence.tokenCountMax, count <= 0 {
            return [
                .finished(
                    id: sequence.id, .length, promptTokenCount: sequence.prompt.count,
                    generatedTokenCount: 0)
            ]
        }
        // Those that get a free slot with the next step do not wait for one.
        guard queue.count < limits.queueCountMax + freeSlots.count else {
            throw .queueFull(waiting: queue.count)
        }
        queue.append(sequence)
        return nextStep()
    }

    /// Drops the sequence wherever it stands; nothing more is said of it.
    package mutating func cancel(_ id: UInt64) -> [SchedulerDirective] {
        queue.removeAll { $0.id == id }
        if let index = sequences.firstIndex(where: { $0.id == id }) { remove(at: index) }
        return nextStep()
    }

    /// Ends a sequence for a reason only the shell can see, such as a stop text.
    package mutating func finish(
        _ id: UInt64, reason: FinishReason
    ) -> [SchedulerDirective] {
        guard let index = sequences.firstIndex(where: { $0.id == id }) else { return [] }
        let finished = finished(sequences[index], reason)
        remove(at: index)
        return [finished] + nextStep()
    }

    /// Every stage of the plan `epoch` is ready, with empty KV caches.
    package mutating func pipelineUp(epoch: UInt32) {
        precondition(isIdle, "pipelineDown comes before the next pipelineUp")
        self.epoch = epoch
        freeSlots = Self.slots(limits)
        edits = []
        inFlight = nil
        nextStepID = 1
    }

    /// The pipeline is gone: every sequence fails.
    package mutating func pipelineDown() -> [SchedulerDirective] {
        let ids = sequences.map(\.id) + queue.map(\.id)
        sequences = []
        queue = []
        inFlight = nil
        epoch = nil
        return ids.map { .failed(id: $0) }
    }

    func finished(_ sequence: RunningSequence, _ reason: FinishReason) -> SchedulerDirective {
        .finished(
            id: sequence.id, reason, promptTokenCount: sequence.request.prompt.count,
            generatedTokenCount: sequence.generatedCount)
    }

    /// Gives the sequence's slot back. Rows of it that are in flight are ignored on return.
    mutating func remove(at index: Int) {
        let slot = sequences.remove(at: index).slot
        edits.append(.release(slot: slot))
        freeSlots.append(slot)
        freeSlots.sort(by: >)
    }

    /// Free slots with the next one to use at the end.
    private static func slots(_ limits: SchedulerLimits) -> [UInt32] {
        (0..<UInt32(limits.slotCount)).reversed()
    }
}

extension Scheduler {
    /// The sequences that have a slot.
    package var runningIDs: Set<UInt64> { Set(sequences.map(\.id)) }
}
