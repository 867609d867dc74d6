// SPDX-License-Identifier: Apache-2.0

/// What a model makes workers read, multiply and send.
package struct ModelWork: Sendable, Equatable {
    /// Weights that a step reads once and multiplies with each of its rows.
    package struct Part: Sendable, Equatable {
        package var byteCount: UInt64
        /// Quantised weights, counted by what multiplying with them costs beside Q4_0's, and those
        /// stored as floats.
        package var int8Count: UInt64
        package var floatCount: UInt64

        package init(byteCount: UInt64, int8Count: UInt64, floatCount: UInt64 = 0) {
            self.byteCount = byteCount
            self.int8Count = int8Count
            self.floatCount = floatCount
        }
    }

    package var layers: [Part]
    /// What the last layer's keys and values take of it: all that rows need there which want no
    /// prediction.
    package var lastKeysAndValues: Part
    package var head: Part
    /// Keys and values of one position in one layer.
    package var kvBytesPerPosition: UInt64
    /// Multiplications and additions of one row with one position in one layer.
    package var attentionOperations: UInt64
    /// Values of one row that a layer normalises, quantises or puts through its activation
    /// function, counted as often as it does, and those that the head ranks.
    package var layerValues: UInt64
    package var headValues: UInt64
    /// Activations of one row, from stage to stage.
    package var rowBytes: UInt64
    /// Positions that the KV cache of each slot has room for.
    package var contextLength: Int

    package init(
        layers: [Part], lastKeysAndValues: Part = Part(byteCount: 0, int8Count: 0), head: Part,
        kvBytesPerPosition: UInt64, attentionOperations: UInt64, rowBytes: UInt64,
        contextLength: Int, layerValues: UInt64 = 0, headValues: UInt64 = 0
    ) {
        self.layers = layers
        self.lastKeysAndValues = lastKeysAndValues
        self.head = head
        self.kvBytesPerPosition = kvBytesPerPosition
        self.attentionOperations = attentionOperations
        self.layerValues = layerValues
        self.headValues = headValues
        self.rowBytes = rowBytes
        self.contextLength = contextLength
    }
}

/// The rows of a step, as far as its time depends on them.
package struct StepLoad: Sendable, Equatable {
    package var rowCount: Int
    /// Rows that want a prediction.
    package var wantingCount: Int
    /// Positions that each row attends to.
    package var depth: Int
    /// Sequences that the rows belong to: each one's keys and values are read once.
    package var sequenceCount: Int

    package init(rowCount: Int, wantingCount: Int, depth: Int, sequenceCount: Int) {
        self.rowCount = rowCount
        self.wantingCount = wantingCount
        self.depth = depth
        self.sequenceCount = sequenceCount
    }

    /// One row of each of `streams` sequences.
    package static func decode(streams: Int, depth: Int) -> StepLoad {
        StepLoad(rowCount: streams, wantingCount: streams, depth: depth, sequenceCount: streams)
    }

    /// A prompt's rows, of which the last one wants a prediction.
    package static func prefill(_ count: Int) -> StepLoad {
        StepLoad(rowCount: count, wantingCount: 1, depth: count / 2, sequenceCount: 1)
    }
}
