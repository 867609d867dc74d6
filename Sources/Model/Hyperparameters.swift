// SPDX-License-Identifier: Apache-2.0

/// The numbers that fix the shape of a Llama-architecture model.
package struct Hyperparameters: Sendable, Equatable {
    package var layerCount: Int
    package var embeddingLength: Int
    package var feedForwardLength: Int
    package var headCount: Int
    package var headCountKV: Int
    /// Elements of one attention head; usually `embeddingLength / headCount`.
    package var headSize: Int
    /// Leading elements of each head that are rotated.
    package var ropeDimensionCount: Int
    package var ropeBase: Float
    /// Divides positions (linear RoPE scaling); 1 for none. Llama 3's scaling comes as the tensor
    /// `rope_freqs.weight` instead.
    package var ropeScale: Float
    package var rmsEpsilon: Float
    package var vocabularySize: Int
    /// Longest context the model was trained for, in tokens.
    package var contextLength: Int

    package init(
        layerCount: Int, embeddingLength: Int, feedForwardLength: Int, headCount: Int,
        headCountKV: Int, headSize: Int, ropeDimensionCount: Int, ropeBase: Float,
        ropeScale: Float, rmsEpsilon: Float, vocabularySize: Int, contextLength: Int
    ) {
        self.layerCount = layerCount
        self.embeddingLength = embeddingLength
        self.feedForwardLength = feedForwardLength
        self.headCount = headCount
        self.headCountKV = headCountKV
        self.headSize = headSize
        self.ropeDimensionCount = ropeDimensionCount
        self.ropeBase = ropeBase
        self.ropeScale = ropeScale
        self.rmsEpsilon = rmsEpsilon
        self.vocabularySize = vocabularySize
        self.contextLength = contextLength
    }
}
