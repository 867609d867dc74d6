// SPDX-License-Identifier: Apache-2.0

import Control
import Testing

struct PageDemandTests {
    /// A model of 10 layers and up to 131072 positions; a page of 64 takes 1000 bytes a layer.
    private func demand(
        slots: Int = 4, context: Int? = nil, memory: Int? = nil, limit: Int = 131_072,
        most: Int = 1 << 24
    ) throws(PageDemandError) -> [Int] {
        let demand = try PageDemand(
            slotCount: slots, contextLength: context, contextLimit: limit, kvByteCount: memory,
            pagePositionCount: 64, pageBytes: 1000, layerCount: 10, countMax: most)
        return [demand.least, demand.wanted]
    }

    @Test func withoutOptionsALargeContextDoesNotTakeAllMemory() throws {
        #expect(try demand() == [32, 4 * 64])
        #expect(try demand(slots: 1) == [32, 64])
        #expect(try demand(limit: 1000) == [16, 4 * 16])
        #expect(try demand(limit: 100) == [2, 4 * 2])
    }

    @Test func aContextThatIsGivenIsKept() throws {
        #expect(try demand(context: 2048) == [32, 4 * 32])
        #expect(try demand(context: 2049) == [33, 4 * 33])
        #expect(try demand(slots: 2, context: 1 << 30) == [2048, 2 * 2048])
        #expect(try demand(context: 8) == [1, 4])
    }

    @Test func memoryThatIsGivenIsUsed() throws {
        #expect(try demand(memory: 1_000_000) == [1, 100])
        #expect(try demand(memory: 1_009_999) == [1, 100])
        #expect(try demand(context: 6400, memory: 1_000_000) == [100, 100])
        // No more than can be of use.
        #expect(try demand(context: 64, memory: .max) == [1, 4])
        #expect(try demand(memory: .max, most: 777) == [1, 777])
    }

    @Test func tooLittleMemoryIsRefused() {
        #expect(throws: PageDemandError.tooLittle(byteCount: 9_999, holds: 0, wanted: 64)) {
            try demand(memory: 9_999)
        }
        #expect(throws: PageDemandError.tooLittle(byteCount: 990_000, holds: 6336, wanted: 6400)) {
            try demand(context: 6400, memory: 990_000)
        }
        #expect(throws: PageDemandError.self) { try demand(memory: -1) }
    }
}
