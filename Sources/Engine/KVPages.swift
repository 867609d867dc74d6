// SPDX-License-Identifier: Apache-2.0

/// Which pages each slot holds: the accounts of the KV cache, without its memory.
///
/// A slot of n positions holds ceil(n / pagePositionCount) pages. A full page may be held by
/// several slots and counts once; a page that is not full is held by one slot alone. So rows need a
/// page only where a slot passes a multiple of the page size, a fork only where its length is no
/// multiple, and a truncation only where it ends inside a page that another slot holds too. The
/// coordinator keeps the same accounts: PROTOCOL.md has the rule.
package struct KVPages {
    /// Positions to be copied from the start of a page to another one.
    package struct Copy: Equatable {
        package let source: Int
        package let destination: Int
        package let positionCount: Int

        package init(source: Int, destination: Int, positionCount: Int) {
            self.source = source
            self.destination = destination
            self.positionCount = positionCount
        }
    }

    package let pagePositionCount: Int
    /// Positions of each slot.
    package private(set) var lengths: [Int]
    /// Pages of each slot, in order of position.
    package private(set) var tables: [[UInt32]]
    /// Slots that hold each page.
    private var holderCounts: [UInt32]
    /// Free pages with memory, and without; the next one to take is the last.
    private var warm: [UInt32] = []
    private var cold: [UInt32]

    package init(slotCount: Int, pageCount: Int, pagePositionCount: Int) {
        self.pagePositionCount = pagePositionCount
        lengths = [Int](repeating: 0, count: slotCount)
        tables = [[UInt32]](repeating: [], count: slotCount)
        holderCounts = [UInt32](repeating: 0, count: pageCount)
        cold = (0..<UInt32(pageCount)).reversed()
    }

    package var freeCount: Int { warm.count + cold.count }
    package var usedCount: Int { holderCounts.count - freeCount }

    /// Pages that slots of these lengths need beyond those they have.
    package func neededCount(_ newLengths: [Int: Int]) -> Int {
        newLengths.reduce(0) { sum, slot in
            sum + max(0, pageCount(slot.value) - tables[slot.key].count)
        }
    }

    /// Makes room for positions up to `length`; the pages needed must be free.
    package mutating func extend(slot: Int, to length: Int) {
        while tables[slot].count < pageCount(length) { tables[slot].append(take()) }
        lengths[slot] = length
    }

    package mutating func release(slot: Int) {
        drop(slot: slot, from: 0)
        lengths[slot] = 0
    }

    /// Keeps positions `0..<length`, of those there are.
    ///
    /// Pages that are dropped are free before one is taken. Throws with nothing changed.
    package mutating func truncate(slot: Int, to length: Int) throws(EngineError) -> Copy? {
        let kept = pageCount(length)
        if isPartial(length), holderCounts[Int(tables[slot][kept - 1])] > 1 {
            try checkFree(afterDropping: tables[slot][kept...])
        }
        drop(slot: slot, from: kept)
        lengths[slot] = length
        return isPartial(length) ? unshareLast(slot: slot) : nil
    }

    /// Makes `slot` hold positions `0..<length` of `source`, which has them, and only those.
    ///
    /// Pages that `slot` had are free before one is taken. Throws with nothing changed.
    package mutating func fork(
        slot: Int, source: Int, length: Int
    ) throws(EngineError) -> Copy? {
        guard slot != source else { return try truncate(slot: slot, to: length) }
        if isPartial(length) { try checkFree(afterDropping: tables[slot][...]) }
        drop(slot: slot, from: 0)
        tables[slot] = Array(tables[source].prefix(pageCount(length)))
        for page in tables[slot] { holderCounts[Int(page)] += 1 }
        lengths[slot] = length
        return isPartial(length) ? unshareLast(slot: slot) : nil
    }

    /// Free pages whose memory is to be given back: the `limit` first freed, but for the `count`
    /// last freed.
    package mutating func takeBack(keeping count: Int, atMost limit: Int) -> ArraySlice<UInt32> {
        let pages = warm.prefix(min(limit, max(0, warm.count - count)))
        warm.removeFirst(pages.count)
        cold += pages
        return pages
    }

    private func pageCount(_ length: Int) -> Int {
        (length + pagePositionCount - 1) / pagePositionCount
    }

    private func isPartial(_ length: Int) -> Bool { length % pagePositionCount != 0 }

    private func checkFree(afterDropping pages: ArraySlice<UInt32>) throws(EngineError) {
        let isEnough = freeCount > 0 || pages.contains { holderCounts[Int($0)] == 1 }
        guard isEnough else { throw .pagesExhausted(needed: 1, free: 0) }
    }

    private mutating func take() -> UInt32 {
        guard let page = warm.popLast() ?? cold.popLast() else {
            preconditionFailure("pages are counted before they are taken")
        }
        holderCounts[Int(page)] = 1
        return page
    }

    private mutating func drop(slot: Int, from index: Int) {
        for page in tables[slot][index...].reversed() {
            holderCounts[Int(page)] -= 1
            if holderCounts[Int(page)] == 0 { warm.append(page) }
        }
        tables[slot].removeSubrange(index...)
    }

    /// Gives the slot a last page of its own.
    private mutating func unshareLast(slot: Int) -> Copy? {
        guard let shared = tables[slot].popLast() else { return nil }
        guard holderCounts[Int(shared)] > 1 else {
            tables[slot].append(shared)
            return nil
        }
        holderCounts[Int(shared)] -= 1
        let page = take()
        tables[slot].append(page)
        return Copy(
            source: Int(shared), destination: Int(page),
            positionCount: lengths[slot] % pagePositionCount)
    }
}
