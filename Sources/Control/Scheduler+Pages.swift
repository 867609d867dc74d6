// SPDX-License-Identifier: Apache-2.0

import Wire

/// Slots and pages: who gets them, who gives them back.
extension Scheduler {
    /// Ends the stay of the sequence at `index`. Rows of it that are in flight are ignored on
    /// return; its whole pages are kept for those that begin alike.
    mutating func retire(_ index: Int) {
        let sequence = sequences.remove(at: index)
        let size = limits.pagePositionCount
        let length = sequence.settledCount / size * size
        guard limits.keptCountMax > 0, length > 0 else { return release(sequence.slot) }
        if length < sequence.cachedCount {
            edits.append(.truncate(slot: sequence.slot, length: UInt32(length)))
            ledger.truncate(slot: sequence.slot, to: length)
        }
        let slot = sequence.slot
        prefixes.extend(slot: slot, to: length / size, of: sequence.durable.tokens)
        // What another begins with it has no more use for.
        for other in kept where prefixes.isWithin(other, slot: slot) { drop(other) }
        if kept.count == limits.keptCountMax { drop(kept[0]) }
        kept.append(slot)
        ledger.keep(slot: slot)
    }

    /// Gives free slots and pages to those that wait, in order of arrival: nobody overtakes.
    ///
    /// Besides the pages for all its tokens there must be one for each sequence to grow into, or a
    /// sequence would soon have to go again.
    mutating func admit() {
        while sequences.count < limits.slotCount, let next = queue.first,
            edits.count < Self.editCountMax || inFlight.isEmpty
        {
            let leader = leader(for: next, among: sequences[...])
            let source = leader == nil ? longestPrefix(of: next) : nil
            let held = ledger.pages(source?.length ?? 0)
            let shared = leader == nil ? held : leaderPages(next)
            let growing = sequences.reduce(0) {
                let own =
                    $1.leader == nil ? ledger.heldCount(slot: $1.slot) : leaderPages($1.durable)
                return $0 + max(0, roomPages($1.durable) - own)
            }
            // What is shared does not become free by letting its keeper go.
            let pinned = source.map { ledger.keptCount(ofFirst: held, of: $0.slot) } ?? 0
            let possible = ledger.freeCount + ledger.keptCount - pinned
            guard roomPages(next) - shared + growing <= possible else { return }
            admit(queue.removeFirst(), from: source, behind: leader?.admission)
        }
    }

    private mutating func admit(
        _ durable: DurableSequence, from source: (slot: UInt32, length: Int)?,
        behind leader: UInt64?
    ) {
        guard let slot = freeSlots.popLast() else {
            preconditionFailure("there is a slot for each that runs and each that is kept")
        }
        admissionCount += 1
        var sequence = RunningSequence(durable, slot: slot, admission: admissionCount)
        sequence.leader = leader
        sequences.append(sequence)
        if leader == nil { begin(sequences.count - 1, from: source) }
    }

    /// Pages that a follower will share with its leader: the whole ones, but not the newest token's
    /// where that fills its page (`forkFollowers`).
    private func leaderPages(_ follower: DurableSequence) -> Int {
        (follower.tokens.count - 1) / limits.pagePositionCount
    }

    /// The slot that begins with the most whole pages of what `sequence` has. Its last token is
    /// always computed, as that row is what predicts the next.
    mutating func longestPrefix(of sequence: DurableSequence) -> (slot: UInt32, length: Int)? {
        guard limits.keptCountMax > 0 else { return nil }
        let size = limits.pagePositionCount
        for other in sequences {
            // The newest token's row may be taken back to run again.
            let settled = min(other.cachedCount, other.durable.tokens.count - 1)
            prefixes.extend(slot: other.slot, to: settled / size, of: other.durable.tokens)
        }
        let (count, slots) = prefixes.longest(
            of: sequence.id, sequence.tokens, pageCountMax: (sequence.tokens.count - 1) / size)
        let first =
            kept.first(where: slots.contains) ?? sequences.map(\.slot).first(where: slots.contains)
        return first.map { ($0, count * size) }
    }

    /// Pages for what the sequence has, and one to grow into where it may.
    private func roomPages(_ sequence: DurableSequence) -> Int {
        let request = sequence.request
        let own = request.tokenCountMax.map { min($0, limits.lengthMax) + request.prompt.count }
        let most = min(own ?? limits.lengthMax, limits.lengthMax)
        return min(ledger.pages(sequence.tokens.count) + 1, ledger.pages(most))
    }

    /// Whether the sequence at `index` has, or may get, a page for its next row.
    func canGrow(_ index: Int) -> Bool {
        let sequence = sequences[index]
        let held = ledger.heldCount(slot: sequence.slot)
        return ledger.pages(sequence.cachedCount + 1) <= held || ledger.freeCount > 0
            || index < sequences.count - 1 || pagesKept > 0
    }

    /// How many of `count` rows the sequence at `index` gets pages for, which it holds from then
    /// on. Kept prefixes make room first, then the youngest sequences, younger ones only; what
    /// these have is kept as long as there is room for it.
    mutating func grant(_ count: Int, at index: Int) -> Int {
        // Gone to make room for an older one.
        guard sequences.indices.contains(index) else { return 0 }
        let (slot, cached) = (sequences[index].slot, sequences[index].cachedCount)
        let held = ledger.heldCount(slot: slot)
        while ledger.pages(cached + count) - held > ledger.freeCount {
            let lack = ledger.pages(cached + count) - held - ledger.freeCount
            guard !giveUpKept(lack) else { continue }
            guard sequences.count - 1 > index, let youngest = sequences.last else { break }
            retire(sequences.count - 1)
            queue.insert(youngest.durable, at: 0)
            if youngest.leader == nil, youngest.awaited == nil { preemptionCount += 1 }
        }
        let room = (held + ledger.freeCount) * limits.pagePositionCount - cached
        let granted = min(count, room)
        if granted > 0 { ledger.extend(slot: slot, to: cached + granted) }
        return granted
    }

    /// Frees `count` pages, or as many as it holds, from the end of the prefix that was used least
    /// lately: who begins like it has the more use for it the longer it stays. False if none is
    /// kept.
    mutating func giveUpKept(_ count: Int) -> Bool {
        guard let oldest = kept.first else { return false }
        let pageCount = ledger.heldCount(slot: oldest, freeing: max(count, Self.givenUpMin))
        if pageCount == 0 {
            drop(oldest)
        } else {
            let length = pageCount * limits.pagePositionCount
            edits.append(.truncate(slot: oldest, length: UInt32(length)))
            ledger.truncate(slot: oldest, to: length)
            prefixes.truncate(slot: oldest, to: pageCount)
        }
        return true
    }

    /// Pages: one at a time would be an edit for each.
    private static let givenUpMin = 8

    /// Ends the keeping of a slot's pages.
    mutating func drop(_ slot: UInt32) {
        kept.removeAll { $0 == slot }
        release(slot)
    }

    mutating func release(_ slot: UInt32) {
        addRelease(of: slot)
        prefixes.remove(slot: slot)
        ledger.release(slot: slot)
        freeSlots.append(slot)
        freeSlots.sort(by: >)
    }
}

extension PageLedger {
    init(_ limits: SchedulerLimits) {
        self.init(pageCount: limits.pageCount, pagePositionCount: limits.pagePositionCount)
    }
}
