// SPDX-License-Identifier: Apache-2.0

/// What a model takes in memory, in bytes.
package struct PlannerModel: Sendable, Equatable {
    /// Weights of each layer; at least one.
    package var layerBytes: [UInt64]
    package var embeddingBytes: UInt64
    /// The output norm, and the head where it is not tied.
    package var outputBytes: UInt64
    /// The head is the embedding: the last stage needs it too.
    package var tiedHead: Bool
    /// One layer's KV cache.
    package var kvBytesPerLayer: UInt64
    /// How many pages that cache is to have; nil where its size is fixed.
    package var pages: PageDemand?
    /// What a stage needs besides, however few layers it has.
    package var scratchBytes: UInt64
    /// And besides, for each thread of its worker.
    package var scratchBytesPerThread: UInt64 = 0
    /// What the last stage needs besides: room for logits.
    package var headScratchBytes: UInt64 = 0
    /// What steps take in time; nil to plan by memory alone.
    package var work: ModelWork?

    package init(
        layerBytes: [UInt64], embeddingBytes: UInt64, outputBytes: UInt64, tiedHead: Bool,
        kvBytesPerLayer: UInt64, scratchBytes: UInt64, work: ModelWork? = nil
    ) {
        precondition(!layerBytes.isEmpty, "a model has at least one layer")
        precondition(work.map { $0.layers.count == layerBytes.count } ?? true)
        self.layerBytes = layerBytes
        self.embeddingBytes = embeddingBytes
        self.outputBytes = outputBytes
        self.tiedHead = tiedHead
        self.kvBytesPerLayer = kvBytesPerLayer
        self.scratchBytes = scratchBytes
        self.work = work
    }

    /// With a demand for pages the KV cache is of as many as are wanted.
    package init(
        layerBytes: [UInt64], embeddingBytes: UInt64, outputBytes: UInt64, tiedHead: Bool,
        pages: PageDemand, scratchBytes: UInt64, work: ModelWork? = nil
    ) {
        self.init(
            layerBytes: layerBytes, embeddingBytes: embeddingBytes, outputBytes: outputBytes,
            tiedHead: tiedHead, kvBytesPerLayer: 0, scratchBytes: scratchBytes, work: work)
        self.pages = pages
        self = with(pageCount: pages.wanted)
    }

    /// The same with a KV cache of `pageCount` pages.
    func with(pageCount: Int) -> PlannerModel {
        guard let pages else { return self }
        var copy = self
        copy.kvBytesPerLayer = pages.bytes(pageCount)
        copy.work?.contextLength = pages.positionsPerSlot(pageCount)
        return copy
    }

    /// The least a worker can be of use with: one layer, the smallest, in the middle of the model.
    package var leastBytes: UInt64 {
        let kv = pages.map { $0.bytes($0.least) } ?? kvBytesPerLayer
        return (layerBytes.min() ?? 0).addingClamped(kv).addingClamped(scratchBytes)
    }

    /// What the threads of a worker need, whatever its stage.
    func threadBytes(_ threadCount: Int) -> UInt64 {
        let count = UInt64(clamping: threadCount)
        let (bytes, isOver) = scratchBytesPerThread.multipliedReportingOverflow(by: count)
        return isOver ? .max : bytes
    }

    /// Bytes of a stage, but for its worker's threads, with the layers `range`, given each prefix's
    /// sum as `layerSums` returns it.
    func needBytes(_ range: Range<Int>, layerSums: [UInt64]) -> UInt64 {
        var need = scratchBytes.addingClamped(
            layerSums[range.upperBound] - layerSums[range.lowerBound])
        let isFirst = range.lowerBound == 0
        let isLast = range.upperBound == layerBytes.count
        if isFirst || (isLast && tiedHead) { need = need.addingClamped(embeddingBytes) }
        if isLast { need = need.addingClamped(outputBytes).addingClamped(headScratchBytes) }
        return need
    }

    /// Weights and KV of layers `0..<i`, for each `i` up to the number of layers.
    var layerSums: [UInt64] {
        layerBytes.reduce(into: [0]) { sums, bytes in
            let sum = sums[sums.count - 1].addingClamped(bytes).addingClamped(kvBytesPerLayer)
            sums.append(sum)
        }
    }
}

extension UInt64 {
    /// The sum, or the largest number if it is larger: sizes come from options and files.
    func addingClamped(_ other: UInt64) -> UInt64 {
        let (sum, isOver) = addingReportingOverflow(other)
        return isOver ? .max : sum
    }
}
