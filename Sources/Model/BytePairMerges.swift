// SPDX-License-Identifier: Apache-2.0

import Platform

/// The rank of every pair of tokens that may be joined.
///
/// An open-addressed table of 64-bit entries: left id (20 bits), right id (20), rank (24). At most
/// three quarters are in use, so a merge costs 10.7 bytes.
struct BytePairMerges: Sendable {
    private var slots: [UInt64]
    /// Nobody knows it, so no file can have its merges share their slots.
    private let seed = Randomness.word()
    private static let empty = UInt64.max

    var byteCount: Int { 8 * slots.count }

    /// `merges` are lines `LEFT RIGHT` in the order of their ranks, written in `alphabet`. Both
    /// sides, and what they make together, must be tokens.
    init(
        _ merges: [String], _ vocabulary: TokenizerVocabulary, _ alphabet: BytePairAlphabet
    ) throws(TokenizerError) {
        guard merges.count <= TokenizerLimits.mergeCountMax else {
            throw .tooManyMerges(count: merges.count, limit: TokenizerLimits.mergeCountMax)
        }
        slots = [UInt64](repeating: Self.empty, count: merges.count + merges.count / 3 + 8)
        for (rank, line) in merges.enumerated() {
            let scalars = line.unicodeScalars
            guard let separator = scalars.dropFirst().firstIndex(of: " ") else {
                throw .malformedMerge(index: rank)
            }
            guard let left = alphabet.bytes(of: scalars[..<separator]),
                let right = alphabet.bytes(of: scalars[scalars.index(after: separator)...]),
                let leftID = vocabulary.id(of: left, 0, left.count),
                let rightID = vocabulary.id(of: right, 0, right.count),
                vocabulary.id(of: left + right, 0, left.count + right.count) != nil
            else { throw .mergeOfUnknownToken(index: rank) }
            let pair = Self.key(leftID, rightID)
            let slot = slotIndex(of: pair)
            // The first of two equal merges counts.
            if slots[slot] == Self.empty { slots[slot] = pair << 24 | UInt64(rank) }
        }
    }

    func rank(_ left: UInt32, _ right: UInt32) -> UInt32? {
        let entry = slots[slotIndex(of: Self.key(left, right))]
        return entry == Self.empty ? nil : UInt32(truncatingIfNeeded: entry & 0xFF_FFFF)
    }

    private static func key(_ left: UInt32, _ right: UInt32) -> UInt64 {
        UInt64(left) << 20 | UInt64(right)
    }

    /// The slot of `pair`, or the empty one where it would be put.
    private func slotIndex(of pair: UInt64) -> Int {
        let hash = (pair ^ seed) &* 0x9E37_79B9_7F4A_7C15
        let mixed = (hash ^ hash >> 29) &* 0xBF58_476D_1CE4_E5B9
        var slot = Int(mixed.multipliedFullWidth(by: UInt64(slots.count)).high)
        while slots[slot] != Self.empty, slots[slot] >> 24 != pair {
            slot += 1
            if slot == slots.count { slot = 0 }
        }
        return slot
    }
}
