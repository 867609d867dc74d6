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
        #expect(ledger.gain(releasing: [1]) == 1)
        #expect(ledger.gain(releasing: [2]) == 0)
        #expect(ledger.gain(releasing: [1, 2]) == 2)
        #expect(ledger.gain(releasing: [3, 2, 1]) == 3)
        #expect(ledger.gain(releasing: [3, 2, 1], pinning: 1, of: 2) == 2)
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

    @Test func aForkInsideAPageTakesOneOfItsOwn() {
        var ledger = PageLedger(pageCount: 5, pagePositionCount: 8)
        ledger.extend(slot: 1, to: 20)
        ledger.fork(slot: 2, source: 1, length: 20)
        #expect(ledger.usedCount == 4)
        #expect(ledger.gain(releasing: [2]) == 1)
        ledger.fork(slot: 3, source: 1, length: 3)
        #expect(ledger.usedCount == 5)
        ledger.release(slot: 1)
        #expect(ledger.usedCount == 4)
        ledger.release(slot: 3)
        ledger.release(slot: 2)
        #expect(ledger.usedCount == 0)
    }
}
