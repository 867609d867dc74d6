// SPDX-License-Identifier: Apache-2.0

/// What a tensor of a Llama-architecture model is for, told by its name.
package enum TensorRole: Hashable, Sendable {
    case embedding
    case outputNorm
    case output
    case rope
    case layer(Int, Part)

    package enum Part: String, CaseIterable, Sendable {
        case attentionNorm = "attn_norm"
        case query = "attn_q"
        case key = "attn_k"
        case value = "attn_v"
        case attentionOutput = "attn_output"
        case feedForwardNorm = "ffn_norm"
        case gate = "ffn_gate"
        case up = "ffn_up"
        case down = "ffn_down"
    }

    /// nil for a name that is none of these.
    package init?(name: String) {
        switch name {
        case "token_embd.weight": self = .embedding
        case "output_norm.weight": self = .outputNorm
        case "output.weight": self = .output
        case "rope_freqs.weight": self = .rope
        default:
            let pieces = name.split(separator: ".", omittingEmptySubsequences: false)
            guard pieces.count == 4, pieces[0] == "blk", pieces[3] == "weight",
                let layer = Int(pieces[1]), layer >= 0, String(layer) == pieces[1],
                let part = Part(rawValue: String(pieces[2]))
            else { return nil }
            self = .layer(layer, part)
        }
    }

    package var name: String {
        switch self {
        case .embedding: "token_embd.weight"
        case .outputNorm: "output_norm.weight"
        case .output: "output.weight"
        case .rope: "rope_freqs.weight"
        case .layer(let layer, let part): "blk.\(layer).\(part.rawValue).weight"
        }
    }

    /// Vectors are used element by element, so they are never quantised.
    var isVector: Bool {
        switch self {
        case .outputNorm, .rope, .layer(_, .attentionNorm), .layer(_, .feedForwardNorm): true
        default: false
        }
    }
}
