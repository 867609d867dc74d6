// SPDX-License-Identifier: Apache-2.0

/// Which element type each tensor gets, as in the real files of that name.
///
/// Source: what llama.cpp's quantiser writes without an importance matrix; the names are its own.
package struct SyntheticMix: Sendable, Equatable {
    /// As in `--type`.
    package let name: String
    /// Of most tensors.
    private let body: ElementType

    package static let all: [SyntheticMix] = [
        .init(name: "f32", body: .f32), .init(name: "f16", body: .f16),
        .init(name: "bf16", body: .bf16), .init(name: "q8_0", body: .q8_0),
        .init(name: "q4_0", body: .q4_0), .init(name: "q4_1", body: .q4_1),
        .init(name: "q5_0", body: .q5_0), .init(name: "q5_1", body: .q5_1),
        .init(name: "q2_k", body: .q2_K), .init(name: "q3_k_m", body: .q3_K),
        .init(name: "q4_k_m", body: .q4_K), .init(name: "q5_k_m", body: .q5_K),
        .init(name: "q6_k", body: .q6_K), .init(name: "iq4_nl", body: .iq4_NL),
    ]

    package func type(of role: TensorRole, in shape: SyntheticShape) -> ElementType {
        if role.isVector { return .f32 }
        let wanted: ElementType =
            switch role {
            case .output: headType
            case .embedding where shape.hasTiedHead: headType
            case .layer(let layer, let part): type(of: part, layer: layer, shape.hyperparameters)
            default: body
            }
        let columns = shape.hyperparameters.shape(of: role)[0]
        return columns % wanted.blockElementCount == 0 ? wanted : Self.inSmallBlocks(wanted)
    }

    private var headType: ElementType {
        switch body {
        case .f32, .f16, .bf16, .q8_0: body
        default: .q6_K
        }
    }

    /// Values and the way back from the feed-forward width get more bits in some layers.
    private func type(
        of part: TensorRole.Part, layer: Int, _ numbers: Hyperparameters
    ) -> ElementType {
        let count = numbers.layerCount
        let queriesPerKey = numbers.headCount / numbers.headCountKV
        // The first and last eighths, and every third layer between.
        let isFiner =
            layer < count / 8 || layer >= 7 * count / 8 || (layer - count / 8) % 3 == 2
        let type: ElementType =
            switch (body, part) {
            case (.q2_K, .value): queriesPerKey >= 4 ? .q4_K : .q3_K
            case (.q2_K, .down), (.q2_K, .attentionOutput): .q3_K
            case (.q3_K, .value): layer < 2 ? .q5_K : .q4_K
            case (.q3_K, .down): layer < count / 16 ? .q5_K : .q4_K
            case (.q3_K, .attentionOutput): .q4_K
            case (.q4_K, .value), (.q4_K, .down), (.q5_K, .value), (.q5_K, .down):
                isFiner ? .q6_K : body
            case (.iq4_NL, .value): queriesPerKey >= 4 ? .q5_K : body
            case (.iq4_NL, .down): layer < count / 8 ? .q5_K : body
            default: body
            }
        // In 70B models eight heads share the values, which are therefore small.
        let isLarge = count == 80 && queriesPerKey == 8
        return isLarge && part == .value && (type == .q3_K || type == .q4_K) ? .q5_K : type
    }

    /// For rows that are no whole blocks of 256.
    private static func inSmallBlocks(_ type: ElementType) -> ElementType {
        switch type {
        case .q2_K, .q3_K: .q4_0
        case .q4_K: .q5_0
        case .q5_K: .q5_1
        case .q6_K: .q8_0
        default: type
        }
    }
}
