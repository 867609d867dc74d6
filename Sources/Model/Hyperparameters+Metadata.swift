// SPDX-License-Identifier: Apache-2.0

import Platform

extension Hyperparameters {
    /// Reads a model's numbers and checks them, and every tensor's shape against them.
    ///
    /// Keys are those of the GGUF specification under `llama.`. A model with features that would
    /// change its arithmetic and are not known here is refused rather than run wrongly.
    package init(metadata: Metadata, tensors: [Tensor]) throws(ModelFileError) {
        let path = tensors.first?.region.file.path ?? "the model"
        do {
            self = try Self.read(metadata)
            try check()
            try checkTensors(tensors, forLayers: 0..<layerCount)
        } catch {
            throw .model(path: path, error)
        }
    }

    private static func read(_ metadata: Metadata) throws(ModelFault) -> Hyperparameters {
        let architecture = metadata.string("general.architecture")
        guard architecture == "llama" else { throw .architecture(architecture) }
        let keys = HyperparameterKeys(metadata: metadata)
        if let experts = metadata.integer("llama.expert_count"), experts > 0 {
            throw .experts("llama.expert_count")
        }
        let embeddingLength = try keys.count("embedding_length")
        let headCount = try keys.count("attention.head_count")
        let headSize: Int
        if let length = try keys.optionalCount("attention.key_length") {
            headSize = length
        } else {
            guard headCount > 0, embeddingLength % headCount == 0 else {
                throw .value(
                    key: "llama.attention.head_count", value: "\(headCount)",
                    allowed: "a divisor of the embedding length \(embeddingLength)")
            }
            headSize = embeddingLength / headCount
        }
        if let length = try keys.optionalCount("attention.value_length"), length != headSize {
            throw .value(
                key: "llama.attention.value_length", value: "\(length)",
                allowed: "the key length \(headSize)")
        }
        return Hyperparameters(
            layerCount: try keys.count("block_count"), embeddingLength: embeddingLength,
            feedForwardLength: try keys.count("feed_forward_length"), headCount: headCount,
            headCountKV: try keys.optionalCount("attention.head_count_kv") ?? headCount,
            headSize: headSize,
            ropeDimensionCount: try keys.optionalCount("rope.dimension_count") ?? headSize,
            ropeBase: Float(try keys.optionalNumber("rope.freq_base") ?? 10_000),
            ropeScale: try keys.ropeScale(),
            rmsEpsilon: Float(try keys.number("attention.layer_norm_rms_epsilon")),
            vocabularySize: try keys.vocabularySize(),
            contextLength: try keys.count("context_length"))
    }
}

/// Look-ups of `llama.*` keys that fail with the key's name.
private struct HyperparameterKeys {
    let metadata: Metadata

    func optionalCount(_ name: String) throws(ModelFault) -> Int? {
        let key = "llama.\(name)"
        guard let value = metadata[key] else { return nil }
        if let count = metadata.integer(key) { return count }
        // Some converters write one number per layer; all the same is as good as one.
        if let list = metadata.integers(key), let first = list.first {
            guard list.allSatisfy({ $0 == first }) else {
                throw .value(key: key, value: "different per layer", allowed: "the same in all")
            }
            return Int(first)
        }
        throw .value(key: key, value: value.kind, allowed: "an integer")
    }

    func count(_ name: String) throws(ModelFault) -> Int {
        guard let count = try optionalCount(name) else { throw .missingKey("llama.\(name)") }
        return count
    }

    func optionalNumber(_ name: String) throws(ModelFault) -> Double? {
        let key = "llama.\(name)"
        guard let value = metadata[key] else { return nil }
        guard let number = metadata.number(key) else {
            throw .value(key: key, value: value.kind, allowed: "a number")
        }
        return number
    }

    func number(_ name: String) throws(ModelFault) -> Double {
        guard let number = try optionalNumber(name) else { throw .missingKey("llama.\(name)") }
        return number
    }

    /// The linear factor; a file that names no type but a factor means linear.
    func ropeScale() throws(ModelFault) -> Float {
        let type = metadata.string("llama.rope.scaling.type") ?? "linear"
        guard type == "linear" || type == "none" else { throw .ropeScaling(type) }
        if let factor = try optionalNumber("rope.scaling.attn_factor"), factor != 1 {
            throw .value(
                key: "llama.rope.scaling.attn_factor", value: "\(factor)", allowed: "1")
        }
        guard type == "linear" else { return 1 }
        let named = try optionalNumber("rope.scaling.factor")
        let old = try optionalNumber("rope.scale_linear")
        let factor = named ?? old ?? 1
        return factor == 0 ? 1 : Float(factor)
    }

    func vocabularySize() throws(ModelFault) -> Int {
        if let size = try optionalCount("vocab_size") { return size }
        guard let tokens = metadata.strings("tokenizer.ggml.tokens") else {
            throw .missingKey("llama.vocab_size")
        }
        return tokens.count
    }
}
