// SPDX-License-Identifier: Apache-2.0

package import Model

/// What a stage is to be built for.
package struct StageConfiguration: Sendable, Equatable {
    package var hyperparameters: Hyperparameters
    package var layers: Range<Int>
    /// Sequences held at once.
    package var slotCount: Int
    /// The most positions of a slot.
    package var contextLength: Int
    /// Pages of the KV cache, and positions of each page in all layers: a multiple of 32.
    package var pageCount: Int
    package var pagePositionCount: Int
    package var kvType: KVType
    /// The most rows of one step.
    package var rowCountMax: Int
    /// Threads of the compute team, the caller's included.
    package var threadCount: Int

    /// Forks share whole pages, and a sequence leaves half a page unused on average.
    package static let pagePositionCountDefault = 64

    /// `pageCount` nil is what all slots can use.
    package init(
        hyperparameters: Hyperparameters, layers: Range<Int>, slotCount: Int, contextLength: Int,
        pageCount: Int? = nil, pagePositionCount: Int = pagePositionCountDefault,
        kvType: KVType = .f16, rowCountMax: Int, threadCount: Int
    ) {
        self.hyperparameters = hyperparameters
        self.layers = layers
        self.slotCount = slotCount
        self.contextLength = contextLength
        self.pageCount =
            pageCount
            ?? Self.pageCount(
                slotCount: slotCount, contextLength: contextLength,
                pagePositionCount: pagePositionCount)
        self.pagePositionCount = pagePositionCount
        self.kvType = kvType
        self.rowCountMax = rowCountMax
        self.threadCount = threadCount
    }

    /// Pages with which every slot can grow to `contextLength`.
    package static func pageCount(
        slotCount: Int, contextLength: Int,
        pagePositionCount: Int = pagePositionCountDefault
    ) -> Int {
        let size = max(1, pagePositionCount)
        let (count, isOver) = max(0, contextLength / size + (contextLength % size).signum())
            .multipliedReportingOverflow(by: max(0, slotCount))
        return isOver ? Int.max : count
    }

    package var isFirst: Bool { layers.lowerBound == 0 }
    package var isLast: Bool { layers.upperBound == hyperparameters.layerCount }

    /// Elements of one row of queries, and of one row of keys or values.
    var queryLength: Int { hyperparameters.headCount * hyperparameters.headSize }
    var keyLength: Int { hyperparameters.headCountKV * hyperparameters.headSize }

    /// The numbers may come from a peer, so each is held against what the engine can do.
    package func check() throws(EngineError) {
        let numbers = hyperparameters
        let headSizes = 2...Int(CKernelsLimits.headSizeMax)
        try check("headSize", numbers.headSize, headSizes)
        try check("layerCount", numbers.layerCount, 1...4_096)
        try check("embeddingLength", numbers.embeddingLength, 1...(1 << 20))
        try check("feedForwardLength", numbers.feedForwardLength, 1...(1 << 22))
        try check("vocabularySize", numbers.vocabularySize, 1...(1 << 22))
        try check("headCount", numbers.headCount, 1...(1 << 14))
        try check("headCountKV", numbers.headCountKV, 1...numbers.headCount)
        try check("headCount % headCountKV", numbers.headCount % numbers.headCountKV, 0...0)
        try check("ropeDimensionCount", numbers.ropeDimensionCount, 2...numbers.headSize)
        try check("ropeDimensionCount % 2", numbers.ropeDimensionCount % 2, 0...0)
        try check("first layer", layers.lowerBound, 0...max(0, numbers.layerCount - 1))
        try check(
            "end of layers", layers.upperBound, (layers.lowerBound + 1)...numbers.layerCount)
        try check("slotCount", slotCount, 1...65_536)
        try check("contextLength", contextLength, 1...(1 << 26))
        try check("pageCount", pageCount, 1...(1 << 26))
        let block = CKernelsLimits.keyBlock
        try check("pagePositionCount", pagePositionCount, block...65_536)
        try check("pagePositionCount % \(block)", pagePositionCount % block, 0...0)
        try check("rowCountMax", rowCountMax, 1...65_536)
        try check("threadCount", threadCount, 1...1_024)
    }

    private func check(
        _ name: String, _ value: Int, _ allowed: ClosedRange<Int>
    ) throws(EngineError) {
        guard allowed.contains(value) else {
            throw .configuration(name: name, value: value, allowed: allowed)
        }
    }
}
