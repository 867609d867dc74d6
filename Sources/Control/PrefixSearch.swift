// SPDX-License-Identifier: Apache-2.0

/// How far the tokens of the sequence that waits first are known to be those of others.
///
/// It may wait for pages over many steps, each of which asks what it could share by then. Others
/// only grow, so each comparison goes on where the last one ended.
package struct PrefixSearch: Sendable {
    /// Of the sequence that waits first.
    private var id: UInt64?
    /// Tokens found alike, by the admission of the other.
    private var counts: [UInt64: Int] = [:]

    package init() {}

    /// How many of the first `countMax` tokens are the same in `other`, which has so many at least
    /// and never changes those it had when `admission` was last asked for.
    package mutating func commonCount(
        of id: UInt64, _ tokens: [UInt32], with other: [UInt32], admission: UInt64, countMax: Int
    ) -> Int {
        if self.id != id { (self.id, counts) = (id, [:]) }
        let known = counts[admission] ?? 0
        guard known < countMax else { return countMax }
        let count = tokens.commonPrefixCount(other, from: known, countMax: countMax)
        counts[admission] = count
        return count
    }
}
