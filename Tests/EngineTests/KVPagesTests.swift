// SPDX-License-Identifier: Apache-2.0

import Engine
import Testing

/// The accounts of pages that PROTOCOL.md describes, against those of a slower bookkeeper.
@Suite struct KVPagesTests {
    private func pages(slots: Int = 4, pages: Int = 6) -> KVPages {
        KVPages(slotCount: slots, pageCount: pages, pagePositionCount: 32)
    }

    @Test func slotsHoldAsManyPagesAsTheirPositionsNeed() {
        var pages = pages()
        for (length, held) in [(1, 1), (32, 1), (33, 2), (64, 2), (65, 3), (192, 6)] {
            #expect(pages.neededCount([2: length]) == held - pages.tables[2].count)
            pages.extend(slot: 2, to: length)
            #expect(pages.usedCount == held && pages.lengths[2] == length)
        }
        #expect(pages.freeCount == 0 && pages.neededCount([2: 192, 1: 1]) == 1)
        pages.release(slot: 2)
        #expect(pages.usedCount == 0 && pages.freeCount == 6 && pages.tables[2].isEmpty)
    }

    @Test func forksShareWholePagesAndCopyTheRest() throws {
        var pages = pages()
        pages.extend(slot: 0, to: 80)
        #expect(try pages.fork(slot: 1, source: 0, length: 64) == nil)
        #expect(pages.usedCount == 3 && pages.tables[1] == Array(pages.tables[0].prefix(2)))
        let copy = try #require(try pages.fork(slot: 2, source: 0, length: 70))
        #expect(copy.source == Int(pages.tables[0][2]) && copy.positionCount == 6)
        #expect(copy.destination == Int(pages.tables[2][2]) && pages.usedCount == 4)
        // What two slots hold is free when both have let it go.
        pages.release(slot: 0)
        #expect(pages.usedCount == 3)
        pages.release(slot: 1)
        #expect(pages.usedCount == 3)
        pages.release(slot: 2)
        #expect(pages.usedCount == 0)
    }

    @Test func truncatingInsideASharedPageTakesACopy() throws {
        var pages = pages()
        pages.extend(slot: 0, to: 96)
        _ = try pages.fork(slot: 1, source: 0, length: 96)
        let shared = pages.tables[1]
        #expect(try pages.truncate(slot: 0, to: 64) == nil)
        #expect(pages.usedCount == 3)
        let copy = try #require(try pages.truncate(slot: 0, to: 40))
        #expect(copy == KVPages.Copy(shared[1], pages.tables[0][1], 8))
        #expect(pages.usedCount == 4 && pages.tables[1] == shared && pages.lengths[1] == 96)
        // Its own page now: nothing more to copy.
        #expect(try pages.truncate(slot: 0, to: 35) == nil)
        #expect(try pages.fork(slot: 0, source: 0, length: 33) == nil)
        #expect(pages.lengths[0] == 33)
    }

    @Test func editsThatFindNoPageChangeNothing() throws {
        var pages = pages(pages: 3)
        pages.extend(slot: 0, to: 64)
        _ = try pages.fork(slot: 1, source: 0, length: 64)
        pages.extend(slot: 2, to: 1)
        let (tables, lengths) = (pages.tables, pages.lengths)
        let error = EngineError.pagesExhausted(needed: 1, free: 0)
        #expect(throws: error) { try pages.fork(slot: 3, source: 0, length: 33) }
        #expect(throws: error) { try pages.truncate(slot: 0, to: 33) }
        #expect(pages.tables == tables && pages.lengths == lengths && pages.freeCount == 0)
        #expect(!error.description.isEmpty)
        // What the edit itself lets go of may be taken.
        _ = try pages.fork(slot: 2, source: 0, length: 33)
        #expect(pages.lengths[2] == 33 && pages.freeCount == 0)
    }

    @Test func memoryIsGivenBackButForTheLastFreed() {
        var pages = pages()
        pages.extend(slot: 0, to: 160)
        let held = pages.tables[0]
        #expect(pages.takeBack(keeping: 0, atMost: 6).isEmpty)
        pages.release(slot: 0)
        // The last pages are freed first, and each call gives back no more than it is to.
        #expect(Array(pages.takeBack(keeping: 2, atMost: 2)) == [held[4], held[3]])
        #expect(Array(pages.takeBack(keeping: 2, atMost: 2)) == [held[2]])
        #expect(pages.takeBack(keeping: 2, atMost: 2).isEmpty && pages.freeCount == 6)
        // Those that kept theirs are taken first.
        pages.extend(slot: 1, to: 64)
        #expect(Set(pages.tables[1]) == Set(held.prefix(2)))
    }

    /// Random edits: pages are counted as the sets of slots that hold them say.
    @Test(arguments: 0..<20) func accountsBalance(seed: Int) throws {
        var random = RandomSource(seed: UInt64(seed))
        func draw(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }
        var pages = pages(slots: 5, pages: 20)
        for _ in 0..<400 {
            let (slot, other, length) = (draw(5), draw(5), pages.lengths[draw(5)])
            let before = pages
            do {
                switch draw(6) {
                case 0: pages.release(slot: slot)
                case 1:
                    _ = try pages.truncate(slot: slot, to: draw(pages.lengths[slot] + 1))
                case 2:
                    let length = min(length, pages.lengths[other])
                    _ = try pages.fork(slot: slot, source: other, length: length)
                    #expect(pages.lengths[slot] == length)
                case 3:
                    _ = try pages.fork(
                        slot: slot, source: other, length: draw(pages.lengths[other] + 1))
                default:
                    let longer = pages.lengths[slot] + 1 + draw(50)
                    if pages.neededCount([slot: longer]) <= pages.freeCount {
                        pages.extend(slot: slot, to: longer)
                    }
                }
            } catch {
                #expect(pages.tables == before.tables && pages.lengths == before.lengths)
                #expect(before.freeCount == 0)
            }
            if draw(4) == 0 { _ = pages.takeBack(keeping: draw(4), atMost: draw(9)) }
            check(pages)
        }
    }

    private func check(_ pages: KVPages) {
        var holders: [UInt32: Int] = [:]
        for (length, table) in zip(pages.lengths, pages.tables) {
            #expect(table.count == (length + 31) / 32 && Set(table).count == table.count)
            for page in table { holders[page, default: 0] += 1 }
        }
        for (length, table) in zip(pages.lengths, pages.tables) where length % 32 != 0 {
            #expect(holders[table[table.count - 1]] == 1)
        }
        #expect(pages.usedCount == holders.count && pages.freeCount == 20 - holders.count)
    }
}

extension KVPages.Copy {
    fileprivate init(_ source: UInt32, _ destination: UInt32, _ positionCount: Int) {
        self.init(
            source: Int(source), destination: Int(destination), positionCount: positionCount)
    }
}
