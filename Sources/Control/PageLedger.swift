// SPDX-License-Identifier: Apache-2.0

/// The pages of the KV caches as every stage holds them, kept by the coordinator so that no stage
/// ever runs out.
///
/// A slot of n positions holds ceil(n / pagePositionCount) pages; full pages may be held by several
/// slots and count once. The rules are PROTOCOL.md's, section 6; which page is which is each
/// stage's own affair, only the counts agree.
package struct PageLedger: Sendable {
    package let pageCount: Int
    package let pagePositionCount: Int
    /// Pages of each slot, in order of position.
    private var tables: [UInt32: [Int]] = [:]
    /// How many slots hold each page that was ever taken: 0 for those that are free again.
    private var holderCounts: [Int] = []
    private var returned: [Int] = []

    package init(pageCount: Int, pagePositionCount: Int) {
        precondition(pageCount > 0 && pagePositionCount > 0)
        self.pageCount = pageCount
        self.pagePositionCount = pagePositionCount
    }

    package var freeCount: Int { pageCount - usedCount }
    /// Pages that some slot holds.
    package var usedCount: Int { holderCounts.count - returned.count }

    /// Pages of a slot with `length` positions.
    package func pages(_ length: Int) -> Int {
        (length + pagePositionCount - 1) / pagePositionCount
    }

    package func heldCount(slot: UInt32) -> Int { tables[slot]?.count ?? 0 }

    /// Pages that would be free again if `slots` were released together, and the first `count`
    /// pages of `source` were held by somebody else.
    package func gain(
        releasing slots: [UInt32], pinning count: Int = 0, of source: UInt32? = nil
    ) -> Int {
        var counts: [Int: Int] = [:]
        for slot in slots { for page in tables[slot] ?? [] { counts[page, default: 0] += 1 } }
        let pinned = source.flatMap { tables[$0] } ?? []
        for page in pinned.prefix(count) { counts[page] = nil }
        return counts.count { holderCounts[$0.key] == $0.value }
    }

    /// Makes room for positions up to `length`; the pages must be free.
    package mutating func extend(slot: UInt32, to length: Int) {
        while heldCount(slot: slot) < pages(length) {
            precondition(freeCount > 0, "pages are counted before they are taken")
            let page = returned.popLast() ?? holderCounts.count
            if page == holderCounts.count { holderCounts.append(1) } else { holderCounts[page] = 1 }
            tables[slot, default: []].append(page)
        }
    }

    /// Gives back what lies beyond `length`. Of a page that stays in part, no other slot may hold
    /// anything.
    package mutating func truncate(slot: UInt32, to length: Int) {
        while heldCount(slot: slot) > pages(length), let page = tables[slot]?.popLast() {
            drop(page)
        }
    }

    package mutating func release(slot: UInt32) {
        for page in tables.removeValue(forKey: slot) ?? [] { drop(page) }
    }

    /// Lets the empty `slot` hold the first whole pages of `source`, and for what is left of
    /// `length` a page of its own, which must be free.
    package mutating func fork(slot: UInt32, source: UInt32, length: Int) {
        precondition(heldCount(slot: slot) == 0)
        let shared = Array((tables[source] ?? []).prefix(length / pagePositionCount))
        for page in shared { holderCounts[page] += 1 }
        tables[slot] = shared
        extend(slot: slot, to: length)
    }

    private mutating func drop(_ page: Int) {
        holderCounts[page] -= 1
        if holderCounts[page] == 0 { returned.append(page) }
    }
}
