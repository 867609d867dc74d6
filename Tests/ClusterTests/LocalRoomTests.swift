// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
import Engine
import Model
import Testing
import Wire

/// A model in this process takes what memory there is, or says that there is too little.
struct LocalRoomTests {
    private let file: TestModelFile
    private let pages: PageDemand
    private let stage: StageConfiguration

    init() throws {
        file = try TestModelFile()
        let numbers = file.model.hyperparameters
        pages = try PageDemand(
            numbers, slotCount: 4, contextLength: nil, kvByteCount: nil, cacheType: .f16)
        stage = StageConfiguration(
            hyperparameters: numbers, layers: 0..<numbers.layerCount, slotCount: 4,
            contextLength: numbers.contextLength, pageCount: pages.wanted, rowCountMax: 64,
            threadCount: 1)
    }

    private func need(pageCount: Int) -> Int {
        var stage = stage
        stage.pageCount = pageCount
        let weights = file.model.tensors.reduce(0) { $0 + $1.byteCount }
        return StageEngine.memoryByteCount(configuration: stage, weightByteCount: weights)
    }

    private func pageCount(_ availableBytes: Int) throws -> Int {
        try LocalRoom.fitted(
            stage, tensors: file.model.tensors, pages: pages, availableBytes: availableBytes
        ).pageCount
    }

    @Test func pagesTakeWhatIsLeft() throws {
        #expect(pages.least + 2 < pages.wanted)
        #expect(try pageCount(need(pageCount: pages.least)) == pages.least)
        #expect(try pageCount(need(pageCount: pages.least + 2) - 1) == pages.least + 1)
        #expect(try pageCount(need(pageCount: pages.wanted)) == pages.wanted)
        #expect(try pageCount(1 << 40) == pages.wanted)
        // The system doesn't say.
        #expect(try pageCount(0) == pages.wanted)
    }

    @Test func tooLittleIsSaidBefore() throws {
        let need = need(pageCount: pages.least)
        #expect(throws: LocalRoomError(needBytes: need, availableBytes: need - 1)) {
            try pageCount(need - 1)
        }
        let text = LocalRoomError(needBytes: 5 << 30, availableBytes: 3 << 30).description
        #expect(text.contains("needs 5 GiB of memory in one process, and 3 GiB are free"))
    }
}
