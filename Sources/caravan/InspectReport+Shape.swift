// SPDX-License-Identifier: Apache-2.0

import Model

extension InspectReport {
    /// The model's numbers and what they mean for memory.
    struct Shape: Encodable {
        let layerCount: Int
        let embeddingLength: Int
        let feedForwardLength: Int
        let headCount: Int
        let headCountKV: Int
        let headSize: Int
        let ropeDimensionCount: Int
        let ropeBase: Float
        let ropeScale: Float
        let rmsEpsilon: Float
        let contextLength: Int
        let vocabularySize: Int
        let hasTiedHead: Bool
        /// Keys and values of 1,000 tokens in all layers, stored as f16.
        let kvBytesPer1000Tokens: Int
        let blobs: [BlobLine]

        init(_ found: Hyperparameters, plan: BlobPlan) {
            layerCount = found.layerCount
            embeddingLength = found.embeddingLength
            feedForwardLength = found.feedForwardLength
            headCount = found.headCount
            headCountKV = found.headCountKV
            headSize = found.headSize
            ropeDimensionCount = found.ropeDimensionCount
            ropeBase = found.ropeBase
            ropeScale = found.ropeScale
            rmsEpsilon = found.rmsEpsilon
            contextLength = found.contextLength
            vocabularySize = found.vocabularySize
            hasTiedHead = plan.hasTiedHead
            kvBytesPer1000Tokens =
                1_000 * found.layerCount * 2 * found.headCountKV * found.headSize * 2
            blobs = plan.all.map { BlobLine(name: $0.name, bytes: $0.byteCount) }
        }
    }

    struct BlobLine: Encodable {
        let name: String
        let bytes: Int
    }
}
