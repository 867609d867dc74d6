// SPDX-License-Identifier: Apache-2.0

/// What a worker is to run under the plan whose epoch the frame's header names.
package struct Assignment: Sendable, Equatable {
    package var shape: ModelShape
    package var stage: UInt16
    package var stageCount: UInt16
    /// Layers `layerStart..<layerEnd`.
    package var layerStart: UInt32
    package var layerEnd: UInt32
    /// KV room: sequences held at once, and the most positions of each.
    package var slotCount: UInt32
    package var contextLength: UInt32
    /// The most rows a step will have.
    package var rowCountMax: UInt32
    /// What the stage's output travels as; the last stage has no use for it.
    package var wireType: WireType
    /// Pages of the KV cache, positions of each of them (a multiple of 32), and what they hold.
    package var pageCount: UInt32
    package var pagePositionCount: UInt32
    package var cacheType: CacheType
    /// `HOST:PORT` to send this stage's output to.
    package var nextAddress: String
    /// Everything the stage needs, in load order.
    package var blobs: [BlobDescription]

    package init(
        shape: ModelShape, stage: UInt16, stageCount: UInt16, layerStart: UInt32,
        layerEnd: UInt32, slotCount: UInt32, contextLength: UInt32, rowCountMax: UInt32,
        wireType: WireType, pageCount: UInt32, pagePositionCount: UInt32, cacheType: CacheType,
        nextAddress: String, blobs: [BlobDescription]
    ) {
        self.shape = shape
        self.stage = stage
        self.stageCount = stageCount
        self.layerStart = layerStart
        self.layerEnd = layerEnd
        self.slotCount = slotCount
        self.contextLength = contextLength
        self.rowCountMax = rowCountMax
        self.wireType = wireType
        self.pageCount = pageCount
        self.pagePositionCount = pagePositionCount
        self.cacheType = cacheType
        self.nextAddress = nextAddress
        self.blobs = blobs
    }
}

/// The numbers that fix a model's arithmetic; the wire's form of the hyperparameters.
package struct ModelShape: Sendable, Equatable {
    package var layerCount: UInt32
    package var embeddingLength: UInt32
    package var feedForwardLength: UInt32
    package var headCount: UInt32
    package var headCountKV: UInt32
    package var headSize: UInt32
    package var ropeDimensionCount: UInt32
    package var vocabularySize: UInt32
    package var contextLength: UInt32
    package var ropeBase: Float
    package var ropeScale: Float
    package var rmsEpsilon: Float

    package init(
        layerCount: UInt32, embeddingLength: UInt32, feedForwardLength: UInt32, headCount: UInt32,
        headCountKV: UInt32, headSize: UInt32, ropeDimensionCount: UInt32, vocabularySize: UInt32,
        contextLength: UInt32, ropeBase: Float, ropeScale: Float, rmsEpsilon: Float
    ) {
        self.layerCount = layerCount
        self.embeddingLength = embeddingLength
        self.feedForwardLength = feedForwardLength
        self.headCount = headCount
        self.headCountKV = headCountKV
        self.headSize = headSize
        self.ropeDimensionCount = ropeDimensionCount
        self.vocabularySize = vocabularySize
        self.contextLength = contextLength
        self.ropeBase = ropeBase
        self.ropeScale = ropeScale
        self.rmsEpsilon = rmsEpsilon
    }
}

/// A blob's name, size and what lies in it.
package struct BlobDescription: Sendable, Equatable {
    package var digest: BlobDigest
    package var byteCount: UInt64
    package var tensors: [TensorDescription]

    package init(digest: BlobDigest, byteCount: UInt64, tensors: [TensorDescription]) {
        self.digest = digest
        self.byteCount = byteCount
        self.tensors = tensors
    }
}

/// SHA-256 of a blob's bytes: its name everywhere. Always 32 bytes.
package struct BlobDigest: Sendable, Hashable {
    package let bytes: [UInt8]

    package init?(_ bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        self.bytes = bytes
    }
}

/// One tensor inside a blob.
package struct TensorDescription: Sendable, Equatable {
    package var name: String
    /// GGUF's number of the element type.
    package var type: UInt32
    /// Innermost dimension first; one to four of them.
    package var shape: [UInt64]
    /// From the start of the blob.
    package var offset: UInt64

    package init(name: String, type: UInt32, shape: [UInt64], offset: UInt64) {
        self.name = name
        self.type = type
        self.shape = shape
        self.offset = offset
    }
}

/// A worker asks for a run of a blob's bytes: as many as it has room for.
package struct BlobRequest: Sendable, Equatable {
    package var digest: BlobDigest
    package var offset: UInt64
    /// In bytes, at least 1; what lies beyond the blob's end is not sent.
    package var count: UInt64

    package init(digest: BlobDigest, offset: UInt64, count: UInt64) {
        self.digest = digest
        self.offset = offset
        self.count = count
    }
}

/// A run of a blob's bytes, at most `Limits.blobChunkBytesMax`.
package struct BlobChunk: Sendable, Equatable {
    package var digest: BlobDigest
    package var offset: UInt64
    package var bytes: [UInt8]

    package init(digest: BlobDigest, offset: UInt64, bytes: [UInt8]) {
        self.digest = digest
        self.offset = offset
        self.bytes = bytes
    }
}

/// A worker has loaded its stage and connected to the next one; the epoch is the header's.
package struct Ready: Sendable, Equatable {
    package var residentBytes: UInt64
    /// Bytes of blobs that had to be shipped for this assignment.
    package var shippedBytes: UInt64

    package init(residentBytes: UInt64, shippedBytes: UInt64) {
        self.residentBytes = residentBytes
        self.shippedBytes = shippedBytes
    }
}
