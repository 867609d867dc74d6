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
    /// Slots that give their pages up to whoever needs them.
    private var keptSlots: Set<UInt32> = []
    private var everTaken: [Page] = []
    private var returned: [Int] = []
    /// Pages that only kept slots hold.
    package private(set) var keptCount = 0

    /// A page that was ever taken.
    private struct Page {
        /// Slots that hold it: 0 for one that is free again.
        var holderCount = 0
        /// How many of these are kept.
        var keptHolderCount = 0

        var isOnlyKept: Bool { holderCount > 0 && holderCount == keptHolderCount }
    }

    package init(pageCount: Int, pagePositionCount: Int) {
        precondition(pageCount > 0 && pagePositionCount > 0)
        self.pageCount = pageCount
        self.pagePositionCount = pagePositionCount
    }

    package var freeCount: Int { pageCount - usedCount }
    /// Pages that some slot holds.
    package var usedCount: Int { everTaken.count - returned.count }

    /// Pages of a slot with `length` positions.
    package func pages(_ length: Int) -> Int {
        (length + pagePositionCount - 1) / pagePositionCount
    }

    package func heldCount(slot: UInt32) -> Int { tables[slot]?.count ?? 0 }

    /// Of the first `count` pages of `slot` those that only kept slots hold.
    package func keptCount(ofFirst count: Int, of slot: UInt32) -> Int {
        (tables[slot] ?? []).prefix(count).count { everTaken[$0].isOnlyKept }
    }

    /// How many pages `slot` still holds when enough of its last ones are given back for `count` to
    /// become free, or all.
    package func heldCount(slot: UInt32, freeing count: Int) -> Int {
        let table = tables[slot] ?? []
        var held = table.count
        var freed = 0
        while held > 0, freed < count {
            held -= 1
            if everTaken[table[held]].holderCount == 1 { freed += 1 }
        }
        return held
    }

    /// From now on `slot` gives its pages up to whoever needs them.
    package mutating func keep(slot: UInt32) {
        guard keptSlots.insert(slot).inserted else { return }
        for page in tables[slot] ?? [] { change(page, holders: 0, keptHolders: 1) }
    }

    /// Makes room for positions up to `length`; the pages must be free.
    package mutating func extend(slot: UInt32, to length: Int) {
        while heldCount(slot: slot) < pages(length) {
            precondition(freeCount > 0, "pages are counted before they are taken")
            let page = returned.popLast() ?? everTaken.count
            if page == everTaken.count { everTaken.append(Page()) }
            take(page, slot: slot)
        }
    }

    /// Gives back what lies beyond `length`. Of a page that stays in part, no other slot may hold
    /// anything.
    package mutating func truncate(slot: UInt32, to length: Int) {
        while heldCount(slot: slot) > pages(length), let page = tables[slot]?.popLast() {
            drop(page, slot: slot)
        }
    }

    package mutating func release(slot: UInt32) {
        for page in tables.removeValue(forKey: slot) ?? [] { drop(page, slot: slot) }
        keptSlots.remove(slot)
    }

    /// Lets the empty `slot` hold the first whole pages of `source`, and for what is left of
    /// `length` a page of its own, which must be free.
    package mutating func fork(slot: UInt32, source: UInt32, length: Int) {
        precondition(heldCount(slot: slot) == 0)
        for page in (tables[source] ?? []).prefix(length / pagePositionCount) {
            take(page, slot: slot)
        }
        extend(slot: slot, to: length)
    }

    private mutating func take(_ page: Int, slot: UInt32) {
        tables[slot, default: []].append(page)
        change(page, holders: 1, keptHolders: keptSlots.contains(slot) ? 1 : 0)
    }

    private mutating func drop(_ page: Int, slot: UInt32) {
        change(page, holders: -1, keptHolders: keptSlots.contains(slot) ? -1 : 0)
        if everTaken[page].holderCount == 0 { returned.append(page) }
    }

    private mutating func change(_ page: Int, holders: Int, keptHolders: Int) {
        if everTaken[page].isOnlyKept { keptCount -= 1 }
        everTaken[page].holderCount += holders
        everTaken[page].keptHolderCount += keptHolders
        if everTaken[page].isOnlyKept { keptCount += 1 }
    }
}
