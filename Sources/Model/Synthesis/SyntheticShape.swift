// SPDX-License-Identifier: Apache-2.0

/// The published numbers of a real model, to be filled with random weights.
package struct SyntheticShape: Sendable {
    package let name: String
    package let hyperparameters: Hyperparameters
    package let hasTiedHead: Bool
    /// Llama 3's scaling of slow rotations: the factor of `rope_freqs.weight`; nil for none.
    package let ropeFactor: Float?

    package init(
        name: String, hyperparameters: Hyperparameters, hasTiedHead: Bool, ropeFactor: Float?
    ) {
        self.name = name
        self.hyperparameters = hyperparameters
        self.hasTiedHead = hasTiedHead
        self.ropeFactor = ropeFactor
    }

    /// Smallest first. Source: the `config.json` that each model was published with.
    package static let all: [SyntheticShape] = [
        SyntheticShape(
            name: "smollm2-135m",
            hyperparameters: Hyperparameters(
                layerCount: 30, embeddingLength: 576, feedForwardLength: 1_536, headCount: 9,
                headCountKV: 3, headSize: 64, ropeDimensionCount: 64, ropeBase: 100_000,
                ropeScale: 1, rmsEpsilon: 1e-5, vocabularySize: 49_152, contextLength: 8_192),
            hasTiedHead: true, ropeFactor: nil),
        llama(
            "llama-3.2-1b", layers: 16, width: 2_048, feedForward: 8_192, heads: 32,
            headSize: 64, hasTiedHead: true, ropeFactor: 32),
        llama(
            "llama-3.1-8b", layers: 32, width: 4_096, feedForward: 14_336, heads: 32),
        llama(
            "llama-3.1-70b", layers: 80, width: 8_192, feedForward: 28_672, heads: 64),
        llama(
            "llama-3.1-405b", layers: 126, width: 16_384, feedForward: 53_248, heads: 128),
    ]

    /// What the Llama 3.1 and 3.2 models share.
    private static func llama(
        _ name: String, layers: Int, width: Int, feedForward: Int, heads: Int,
        headSize: Int = 128, hasTiedHead: Bool = false, ropeFactor: Float = 8
    ) -> SyntheticShape {
        SyntheticShape(
            name: name,
            hyperparameters: Hyperparameters(
                layerCount: layers, embeddingLength: width, feedForwardLength: feedForward,
                headCount: heads, headCountKV: 8, headSize: headSize,
                ropeDimensionCount: headSize, ropeBase: 500_000, ropeScale: 1, rmsEpsilon: 1e-5,
                vocabularySize: 128_256, contextLength: 131_072),
            hasTiedHead: hasTiedHead, ropeFactor: ropeFactor)
    }

    /// In the order in which converters write them.
    package var roles: [TensorRole] {
        var roles: [TensorRole] = ropeFactor == nil ? [] : [.rope]
        roles.append(.embedding)
        for layer in 0..<hyperparameters.layerCount {
            roles += TensorRole.Part.allCases.map { .layer(layer, $0) }
        }
        roles.append(.outputNorm)
        if !hasTiedHead { roles.append(.output) }
        return roles
    }

    /// What each rotation's frequency is divided by: nothing for the fast ones, `ropeFactor` for
    /// the slow ones, and something between for those in between.
    ///
    /// Source: Llama 3.1's reference code (`apply_scaling`), trained for 8,192 positions with the
    /// low and high factors 1 and 4.
    var ropeDivisors: [Float] {
        guard let ropeFactor else { return [] }
        let count = hyperparameters.ropeDimensionCount
        return (0..<count / 2).map { index in
            let exponent = Float(2 * index) / Float(count)
            let turns = 8_192 / (2 * Float.pi * power(hyperparameters.ropeBase, exponent))
            let smooth = min(1, max(0, (turns - 1) / (4 - 1)))
            return 1 / ((1 - smooth) / ropeFactor + smooth)
        }
    }

    /// base^exponent for an exponent from 0 to 1, by repeated square roots.
    private func power(_ base: Float, _ exponent: Float) -> Float {
        var result = 1.0
        var root = Double(base)
        var rest = Double(exponent)
        for _ in 0..<48 {
            root = root.squareRoot()
            rest *= 2
            guard rest >= 1 else { continue }
            result *= root
            rest -= 1
        }
        return Float(result)
    }
}
