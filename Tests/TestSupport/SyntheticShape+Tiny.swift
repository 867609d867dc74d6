// SPDX-License-Identifier: Apache-2.0

package import Model

extension SyntheticShape {
    /// A shape small enough for tests; its rotations are those of Llama 3.2 1B.
    package static func tiny(hasTiedHead: Bool = true) -> SyntheticShape {
        SyntheticShape(
            name: "tiny",
            hyperparameters: Hyperparameters(
                layerCount: 2, embeddingLength: 256, feedForwardLength: 512, headCount: 4,
                headCountKV: 2, headSize: 64, ropeDimensionCount: 64, ropeBase: 500_000,
                ropeScale: 1, rmsEpsilon: 1e-5, vocabularySize: 600, contextLength: 512),
            hasTiedHead: hasTiedHead, ropeFactor: 32)
    }
}
