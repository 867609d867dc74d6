// SPDX-License-Identifier: Apache-2.0

import Wire

/// Sequences with the same tokens, such as the choices of one request.
///
/// One of them, the leader, computes the prompt. The others, its followers, hold a slot meanwhile;
/// when the leader's candidates come they fork its positions, the last page in part included, and
/// draw their own tokens from those same candidates. So the prompt is computed once.
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
            guard sequences[index].leader == nil, let source = longestPrefix(of: durable)
            else { continue }
            fork(index, from: source.slot, length: source.length)
        }
    }

    /// The prompt of the sequence at `index` is through: its followers fork it. Returns the stays
    /// of those that have all of its positions.
    ///
    /// The newest token's row may have to run again, so it must not be in a page that others hold:
    /// where it fills its page, followers compute that one row themselves. Those for whom there is
    /// no free page compute what is in none of the leader's whole pages.
    mutating func forkFollowers(of index: Int) -> [UInt64] {
        let leader = sequences[index]
        let size = limits.pagePositionCount
        var complete: [UInt64] = []
        for follower in sequences.indices where sequences[follower].leader == leader.admission {
            sequences[follower].leader = nil
            while ledger.freeCount == 0, let oldest = kept.first { drop(oldest) }
            let isFull = leader.cachedCount % size == 0
            var length = isFull ? leader.cachedCount - 1 : leader.cachedCount
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
