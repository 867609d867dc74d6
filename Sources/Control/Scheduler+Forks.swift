// SPDX-License-Identifier: Apache-2.0

import Wire

/// Sequences with the same tokens, such as the choices of one request, or that begin alike.
///
/// One of them, the leader, computes the prompt. The others, its followers, hold a slot meanwhile;
/// when the leader's candidates come they fork its positions, the last page in part included, and
/// draw their own tokens from those same candidates. So the prompt is computed once.
///
/// Those that only begin alike wait until the whole pages that they share are computed, fork them
/// and go on by themselves.
extension Scheduler {
    /// The first of `others` whose tokens are being computed and are those of `sequence`, and whose
    /// candidates will do for both.
    func leader(
        for sequence: DurableSequence, among others: ArraySlice<RunningSequence>
    ) -> RunningSequence? {
        others.first {
            !$0.isDecoding && $0.leader == nil && $0.durable.want == sequence.want
                && $0.durable.tokens == sequence.tokens
        }
    }

    /// Lets followers whose leader has gone go on with what there is of it; the oldest of them
    /// leads the others. Leaders come before their followers, so one pass is enough.
    mutating func promoteFollowers() {
        for index in sequences.indices {
            guard let leader = sequences[index].leader,
                !sequences[..<index].contains(where: { $0.admission == leader })
            else { continue }
            let durable = sequences[index].durable
            sequences[index].leader =
                self.leader(for: durable, among: sequences[..<index])?
                .admission
            guard sequences[index].leader == nil else { continue }
            begin(index, from: longestPrefix(of: durable))
        }
    }

    /// The sequence whose prompt is being computed that shares the most whole pages with what
    /// `sequence` has, if they are more than `length` positions; of several the oldest. Its newest
    /// token's row may have to run again, and the last of `sequence` is always computed.
    func prefix(
        of sequence: DurableSequence, among others: ArraySlice<RunningSequence>, beyond length: Int
    ) -> (admission: UInt64, length: Int)? {
        guard limits.keptCountMax > 0 else { return nil }
        let size = limits.pagePositionCount
        var found: (admission: UInt64, length: Int)?
        for other in others where !other.isDecoding && other.leader == nil {
            let tokens = other.durable.tokens
            let most = (min(tokens.count, sequence.tokens.count) - 1) / size * size
            guard most > found?.length ?? length else { continue }
            let alike = tokens.indices.prefix(most).first { tokens[$0] != sequence.tokens[$0] }
            let shared = (alike ?? most) / size * size
            if shared > found?.length ?? length { found = (other.admission, shared) }
        }
        return found
    }

    /// Those whose common beginning has been computed fork it and go on. Those whose other has gone
    /// wait for another, or go on with what there is.
    mutating func forkAwaited() {
        for index in sequences.indices {
            guard let awaited = sequences[index].awaited else { continue }
            if let other = sequences.first(where: { $0.admission == awaited.admission }) {
                guard other.cachedCount >= awaited.length else { continue }
                sequences[index].awaited = nil
                fork(index, from: other.slot, length: awaited.length)
            } else {
                begin(index, from: longestPrefix(of: sequences[index].durable))
            }
        }
    }

    /// Lets the sequence at `index`, which has no positions, begin with those of `source`, unless
    /// an older one is computing more of it.
    mutating func begin(_ index: Int, from source: (slot: UInt32, length: Int)?) {
        sequences[index].awaited = prefix(
            of: sequences[index].durable, among: sequences[..<index], beyond: source?.length ?? 0)
        guard let source, sequences[index].awaited == nil else { return }
        fork(index, from: source.slot, length: source.length)
    }

    /// The prompt of the sequence at `index` is through: its followers fork it. Returns the stays
    /// of those that have all of its positions, at most `drawingMax`.
    ///
    /// The newest token's row may have to run again, so it must not be in a page that others hold:
    /// where it fills its page, followers compute that one row themselves. Those for whom there is
    /// no free page compute what is in none of the leader's whole pages.
    mutating func forkFollowers(of index: Int, drawingMax: Int) -> [UInt64] {
        let leader = sequences[index]
        let size = limits.pagePositionCount
        var complete: [UInt64] = []
        for follower in sequences.indices where sequences[follower].leader == leader.admission {
            sequences[follower].leader = nil
            while ledger.freeCount == 0, giveUpKept(1) {}
            let isAlone = leader.cachedCount % size == 0 || complete.count >= drawingMax
            var length = isAlone ? leader.cachedCount - 1 : leader.cachedCount
            if ledger.freeCount == 0 { length = length / size * size }
            if length > 0 { fork(follower, from: leader.slot, length: length) }
            guard length == leader.cachedCount else { continue }
            // No row of its prompt came back, so there is nothing to say of it.
            sequences[follower].durable.isPrefilled = true
            complete.append(sequences[follower].admission)
        }
        return complete
    }

    /// Gives the sequence at `index`, which has no positions yet, the first `length` of `source`.
    mutating func fork(_ index: Int, from source: UInt32, length: Int) {
        let slot = sequences[index].slot
        edits.append(.fork(slot: slot, source: source, length: UInt32(length)))
        ledger.fork(slot: slot, source: source, length: length)
        sequences[index].cachedCount = length
        if let place = kept.firstIndex(of: source) {
            kept.append(kept.remove(at: place))
        }
    }
}
