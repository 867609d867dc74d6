// SPDX-License-Identifier: Apache-2.0

import CKernels
import Model

/// The buffers of one step, reserved once for the most rows a step may have.
///
/// Pages are touched as steps grow, so a large limit costs nothing until it is used.
struct Scratch {
    typealias Floats = UnsafeMutablePointer<Float>

    /// (rows, embeddingLength): the residual stream.
    let hidden: Floats
    /// (rows, embeddingLength)
    let normed: Floats
    /// (rows, headCount, headSize)
    let queries: Floats
    /// (rows, headCountKV, headSize)
    let keys: Floats
    let values: Floats
    /// Sums of segments: see `AttentionPlan`.
    let partials: Floats
    /// (rows, headCount, headSize): attention's result.
    let attended: Floats
    /// (rows, feedForwardLength)
    let gate: Floats
    let up: Floats
    /// (rows, 2, ropeDimensionCount): cosines, then signed sines.
    let rotations: Floats
    /// (predictionBatch, vocabularySize); the last stage's only.
    let logits: Floats
    /// (predictionBatch, logitPartCount): of each part of the logits the largest, and a sum.
    let largestLogits: Floats
    let logitSums: Floats
    let logitPartCount: Int
    /// (rows, embeddingLength), quantised.
    let normedCodes: CodeBuffer
    /// (rows, headCount * headSize) or (rows, feedForwardLength): what is multiplied next, while
    /// what it comes of is still read.
    let innerCodes: CodeBuffer
    /// One for each thread: see `FloatProduct`.
    let tiles: Floats
    let tileCount: Int

    /// Rows whose logits are held at once.
    static let predictionBatch = 8

    private let memory: AnonymousMemory

    init(configuration: StageConfiguration) throws(EngineError) {
        let sizes = Sizes(configuration)
        memory = try AnonymousMemory(byteCount: sizes.byteCount, hugePages: false)
        var carver = Carver(memory: memory)
        hidden = carver.take(sizes.hidden)
        normed = carver.take(sizes.hidden)
        queries = carver.take(sizes.queries)
        keys = carver.take(sizes.keys)
        values = carver.take(sizes.keys)
        attended = carver.take(sizes.queries)
        gate = carver.take(sizes.gate)
        up = carver.take(sizes.gate)
        rotations = carver.take(sizes.rotations)
        partials = carver.take(sizes.partials)
        logits = carver.take(sizes.logits)
        largestLogits = carver.take(sizes.logitParts)
        logitSums = carver.take(sizes.logitParts)
        logitPartCount = sizes.logitParts / Scratch.predictionBatch
        normedCodes = carver.takeCodes(rows: sizes.rows, columns: sizes.width)
        innerCodes = carver.takeCodes(rows: sizes.rows, columns: sizes.inner)
        tileCount = sizes.tile
        tiles = carver.take(sizes.tile * configuration.threadCount)
    }

    /// Bytes when every buffer is in use, but for the tiles that only float weights need.
    static func byteCount(_ configuration: StageConfiguration) -> Int {
        let sizes = Sizes(configuration)
        return sizes.byteCount - sizes.tile * configuration.threadCount * 4
    }

    /// Bytes of the tiles, which float weights need beyond `byteCount`.
    static func tileByteCount(_ configuration: StageConfiguration) -> Int {
        Sizes(configuration).tile * configuration.threadCount * 4
    }
}

/// Element counts of the buffers.
private struct Sizes {
    let rows, width, inner: Int
    let hidden, queries, keys, gate, rotations, partials, logits, logitParts, tile: Int
    let byteCount: Int

    init(_ configuration: StageConfiguration) {
        let numbers = configuration.hyperparameters
        rows = configuration.rowCountMax
        width = numbers.embeddingLength
        inner = max(configuration.queryLength, numbers.feedForwardLength)
        hidden = rows * width
        queries = rows * configuration.queryLength
        keys = rows * configuration.keyLength
        gate = rows * numbers.feedForwardLength
        rotations = rows * 2 * numbers.ropeDimensionCount
        partials = AttentionPlan.partialCount(configuration)
        let parts = (numbers.vocabularySize + CK_LOGIT_PART - 1) / CK_LOGIT_PART
        logits = configuration.isLast ? Scratch.predictionBatch * numbers.vocabularySize : 0
        logitParts = configuration.isLast ? Scratch.predictionBatch * parts : 0
        tile = max(width, inner) * FloatProduct.tileRows
        let floats =
            2 * (hidden + queries + keys + gate + logitParts) + rotations + partials + logits
            + tile * configuration.threadCount
        byteCount =
            floats * 4 + Carver.codeByteCount(rows: rows, columns: width)
            + Carver.codeByteCount(rows: rows, columns: inner) + 18 * Carver.alignment
    }
}

/// Hands out consecutive, aligned parts of a block of memory.
private struct Carver {
    static let alignment = 64
    let memory: AnonymousMemory
    var offset = 0

    init(memory: AnonymousMemory) { self.memory = memory }

    mutating func take<T: BitwiseCopyable>(_ count: Int) -> UnsafeMutablePointer<T> {
        let start = offset
        let end = start + count * MemoryLayout<T>.stride
        offset = (end + Self.alignment - 1) / Self.alignment * Self.alignment
        precondition(end <= memory.byteCount)
        return memory.pointer(at: start, as: T.self)
    }

    mutating func takeCodes(rows: Int, columns: Int) -> CodeBuffer {
        CodeBuffer(codes: take(rows * columns), blocks: take(rows * Self.blocks(columns)))
    }

    static func codeByteCount(rows: Int, columns: Int) -> Int {
        rows * (columns + blocks(columns) * MemoryLayout<ck_block>.stride)
    }

    private static func blocks(_ columns: Int) -> Int { columns / Int(CK_BLOCK_COLUMNS) }
}
