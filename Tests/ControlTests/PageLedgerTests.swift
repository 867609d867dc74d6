// SPDX-License-Identifier: Apache-2.0

import Control
import Testing

struct PageLedgerTests {
    @Test func pagesAreCountedByPositions() {
        var ledger = PageLedger(pageCount: 4, pagePositionCount: 8)
        ledger.extend(slot: 1, to: 8)
        #expect(ledger.usedCount == 1)
        ledger.extend(slot: 1, to: 9)
        #expect(ledger.usedCount == 2)
        ledger.extend(slot: 1, to: 16)
        #expect(ledger.heldCount(slot: 1) == 2)
        ledger.truncate(slot: 1, to: 9)
        #expect(ledger.usedCount == 2)
        ledger.truncate(slot: 1, to: 8)
        #expect(ledger.usedCount == 1)
        ledger.truncate(slot: 1, to: 0)
        #expect(ledger.usedCount == 0)
        ledger.extend(slot: 2, to: 32)
        #expect(ledger.freeCount == 0)
        ledger.release(slot: 2)
        ledger.release(slot: 2)
        #expect(ledger.freeCount == 4)
    }

    @Test func sharedPagesCountOnceUntilTheLastLetsGo() {
        var ledger = PageLedger(pageCount: 8, pagePositionCount: 8)
        ledger.extend(slot: 1, to: 20)
        ledger.fork(slot: 2, source: 1, length: 16)
        ledger.fork(slot: 3, source: 2, length: 8)
        #expect(ledger.usedCount == 3)
        ledger.extend(slot: 2, to: 17)
        #expect(ledger.usedCount == 4)
        ledger.release(slot: 1)
        #expect(ledger.usedCount == 3)
        ledger.truncate(slot: 2, to: 8)
        #expect(ledger.usedCount == 1)
        ledger.release(slot: 2)
        #expect(ledger.usedCount == 1)
        ledger.release(slot: 3)
        #expect(ledger.usedCount == 0)
    }

    @Test func whatOnlyKeptSlotsHoldIsCounted() {
        var ledger = PageLedger(pageCount: 8, pagePositionCount: 8)
        ledger.extend(slot: 1, to: 20)
        ledger.fork(slot: 2, source: 1, length: 16)
        ledger.fork(slot: 3, source: 2, length: 8)
        ledger.keep(slot: 1)
        #expect(ledger.keptCount == 1)
        ledger.keep(slot: 2)
        ledger.keep(slot: 2)
        #expect(ledger.keptCount == 2)
        #expect(ledger.keptCount(ofFirst: 2, of: 1) == 1)
        ledger.keep(slot: 3)
        #expect(ledger.keptCount == 3)
        ledger.fork(slot: 4, source: 1, length: 16)
        #expect(ledger.keptCount == 1 && ledger.keptCount(ofFirst: 3, of: 1) == 1)
        ledger.release(slot: 4)
        #expect(ledger.keptCount == 3)
        ledger.truncate(slot: 1, to: 8)
        #expect(ledger.keptCount == 2)
        ledger.release(slot: 2)
        ledger.release(slot: 3)
        // A slot that was given back is as any other.
        ledger.extend(slot: 3, to: 8)
        #expect(ledger.keptCount == 1 && ledger.usedCount == 2)
    }

    @Test func pagesAreFreedFromTheEnd() {
        var ledger = PageLedger(pageCount: 8, pagePositionCount: 8)
        ledger.extend(slot: 1, to: 40)
        ledger.fork(slot: 2, source: 1, length: 24)
        #expect(ledger.heldCount(slot: 1, freeing: 1) == 4)
        #expect(ledger.heldCount(slot: 1, freeing: 2) == 3)
        // Beyond them the other holds all.
        #expect(ledger.heldCount(slot: 1, freeing: 3) == 0)
        #expect(ledger.heldCount(slot: 3, freeing: 1) == 0)
    }

    @Test func aForkInsideAPageTakesOneOfItsOwn() {
        var ledger = PageLedger(pageCount: 5, pagePositionCount: 8)
        ledger.extend(slot: 1, to: 20)
        ledger.fork(slot: 2, source: 1, length: 20)
        #expect(ledger.usedCount == 4)
        ledger.fork(slot: 3, source: 1, length: 3)
        #expect(ledger.usedCount == 5)
        ledger.release(slot: 1)
        #expect(ledger.usedCount == 4)
        ledger.release(slot: 3)
        ledger.release(slot: 2)
        #expect(ledger.usedCount == 0)
    }
}
