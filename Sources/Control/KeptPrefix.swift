// SPDX-License-Identifier: Apache-2.0

/// Whole pages of a sequence that has ended, kept in a slot for those that begin alike.
struct KeptPrefix: Sendable {
    let slot: UInt32
    /// The stay in that slot which it is of.
    let admission: UInt64
    /// The tokens of those pages.
    let tokens: [UInt32]
}

extension Array where Element == UInt32 {
    /// How many tokens both begin with, of the first `countMax`. They have `known` in common.
    func commonPrefixCount(_ other: [UInt32], from known: Int, countMax: Int) -> Int {
        let end = Swift.min(countMax, count, other.count)
        return withUnsafeBufferPointer { mine in
            other.withUnsafeBufferPointer { theirs in
                var index = known
                while index < end, mine[index] == theirs[index] { index += 1 }
                return index
            }
        }
    }
}
