// SPDX-License-Identifier: Apache-2.0

import Model

extension StageEngine {
    /// Holds a step, which may come from a peer, against the stage; returns the slots' new lengths.
    func checked(_ rows: [StageRow], hidden: [Float]) throws(EngineError) -> [Int: Int] {
        let numbers = configuration.hyperparameters
        guard rows.count <= configuration.rowCountMax else {
            throw .tooManyRows(count: rows.count, limit: configuration.rowCountMax)
        }
        let expected = rows.count * numbers.embeddingLength
        guard configuration.isFirst || hidden.count == expected else {
            throw .hiddenCount(found: hidden.count, expected: expected)
        }
        var lengths: [Int: Int] = [:]
        for row in rows {
            guard cache.lengths.indices.contains(row.slot) else {
                throw .slotOutOfRange(slot: row.slot, slotCount: configuration.slotCount)
            }
            let next = lengths[row.slot] ?? cache.lengths[row.slot]
            guard row.position == next else {
                throw .positionMismatch(slot: row.slot, position: row.position, expected: next)
            }
            guard next < configuration.contextLength else {
                throw .contextFull(
                    slot: row.slot, position: next, contextLength: configuration.contextLength)
            }
            lengths[row.slot] = next + 1
            try check(token: row.token, want: row.want, vocabularySize: numbers.vocabularySize)
        }
        let needed = cache.pages.neededCount(lengths)
        guard needed <= cache.pages.freeCount else {
            throw .pagesExhausted(needed: needed, free: cache.pages.freeCount)
        }
        return lengths
    }

    private func check(
        token: Int, want: StageRow.Want, vocabularySize: Int
    ) throws(EngineError) {
        guard (0..<vocabularySize).contains(token) else {
            throw .tokenOutOfRange(token: token, vocabularySize: vocabularySize)
        }
        if case .top(let count) = want, !(1...vocabularySize).contains(count) {
            throw .topOutOfRange(count: count, vocabularySize: vocabularySize)
        }
    }
}
