// SPDX-License-Identifier: Apache-2.0

import Wire

/// Tokens that are computed before it is known that they follow.
///
/// A step with a few rows takes far less than as many steps with one each, since it reads its
/// weights once. So where few sequences decode, a step carries rows of what the next tokens may be.
/// Each row wants candidates: the token after it is drawn as ever, by the same random number, and
/// where it is not the one that was guessed, what was computed after it is taken back. So the
/// tokens are the same as without.
extension Scheduler {
    /// Guesses for the sequences at `group`, whose newest tokens go into one step, as many as are
    /// computed while its weights are read; none where a prompt's rows may go with them, which use
    /// that time better.
    mutating func guess(for group: [Int]) {
        guard limits.guessCountMax > 0, !group.isEmpty else { return }
        let isQuiet = sequences.allSatisfy(\.isDecoding)
        var spare = isQuiet ? min(pace.cheapRowCount, Self.rowCountMax) - group.count : 0
        for (place, index) in group.enumerated() {
            let left = group.count - place
            let share = (max(0, spare) + left - 1) / left
            let isShort = sequences[index].durable.tokens.count <= Self.lengthMax
            let countMax = isShort ? min(limits.guessCountMax, share) : 0
            sequences[index].guess(countMax: min(countMax, room(after: index)))
            spare -= sequences[index].guesses.count
        }
    }

    /// Beyond so many tokens each row's attention costs too much for a try.
    private static let lengthMax = 8192

    /// Rows of a step that is longer for its guesses.
    private static let rowCountMax = 8

    /// Rows after the newest token's that need no further page and may still count.
    private func room(after index: Int) -> Int {
        let sequence = sequences[index]
        let size = limits.pagePositionCount
        let tokens = sequence.durable.tokens
        let request = sequence.durable.request
        let left = request.tokenCountMax.map { $0 - sequence.durable.generatedCount } ?? .max
        return min(
            size - 1 - (tokens.count - 1) % size, left - 1, limits.lengthMax - tokens.count - 1)
    }

    /// The newest token of the sequence at `index` is now known: where it was guessed otherwise,
    /// what was computed after it goes.
    mutating func settleGuess(_ index: Int) {
        guard let guess = sequences[index].guesses.first,
            let token = sequences[index].durable.tokens.last
        else { return }
        guessCount += 1
        if guess == token {
            rightGuessCount += 1
            sequences[index].guessWasRight()
        } else {
            sequences[index].guessWasWrong()
            takeBack(index, to: sequences[index].durable.tokens.count - 1)
        }
    }

    /// Drops the positions of the sequence at `index` from `length` on, guessed ones too.
    mutating func takeBack(_ index: Int, to length: Int) {
        // Not a row's slot, where the row is that of a leader.
        let slot = sequences[index].slot
        sequences[index].cachedCount = length
        edits.append(.truncate(slot: slot, length: UInt32(length)))
        ledger.truncate(slot: slot, to: length)
    }
}
