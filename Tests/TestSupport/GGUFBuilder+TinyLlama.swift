// SPDX-License-Identifier: Apache-2.0

package import Model

/// The shape of a model small enough for tests. Every number differs where it can.
package struct TinyShape: Sendable {
    package var layers = 3
    package var embeddingLength = 64
    package var feedForwardLength = 96
    package var headCount = 4
    package var headCountKV = 2
    package var headSize = 16
    package var contextLength = 256
    package var hasTiedHead = false
    package var hasRopeFrequencies = false

    package init() {}

    /// To rows of 256 elements, which K types ask for; the heads keep their size.
    package mutating func widen() {
        embeddingLength = 256
        feedForwardLength = 512
        headCount = 16
    }
}

extension GGUFBuilder {
    /// A complete tiny llama with random weights and a byte-level vocabulary: the same bytes for
    /// the same arguments. `type` is that of all matrices; vectors are F32.
    package static func tinyLlama(
        layers: Int = 3, type: ElementType = .f32, seed: UInt64 = 1,
        hasTiedHead: Bool = false
    ) -> GGUFBuilder {
        var shape = TinyShape()
        shape.layers = layers
        shape.hasTiedHead = hasTiedHead
        if type.blockElementCount == 256 { shape.widen() }
        return tinyLlama(shape: shape, type: type, seed: seed)
    }

    package static func tinyLlama(
        shape: TinyShape, type: ElementType, seed: UInt64
    ) -> GGUFBuilder {
        var builder = GGUFBuilder()
        builder.setHyperparameters(shape)
        builder.setVocabulary(TinyVocabulary())
        builder.addWeights(shape, type: type, seed: seed)
        return builder
    }

    private mutating func setHyperparameters(_ shape: TinyShape) {
        set("general.architecture", .string("llama"))
        set("general.name", .string("Tiny"))
        set("llama.block_count", .uint32(UInt32(shape.layers)))
        set("llama.context_length", .uint32(UInt32(shape.contextLength)))
        set("llama.embedding_length", .uint32(UInt32(shape.embeddingLength)))
        set("llama.feed_forward_length", .uint32(UInt32(shape.feedForwardLength)))
        set("llama.attention.head_count", .uint32(UInt32(shape.headCount)))
        set("llama.attention.head_count_kv", .uint32(UInt32(shape.headCountKV)))
        if shape.headSize * shape.headCount != shape.embeddingLength {
            set("llama.attention.key_length", .uint32(UInt32(shape.headSize)))
            set("llama.attention.value_length", .uint32(UInt32(shape.headSize)))
        }
        set("llama.attention.layer_norm_rms_epsilon", .float32(1e-5))
        set("llama.rope.dimension_count", .uint32(UInt32(shape.headSize)))
        set("llama.rope.freq_base", .float32(10_000))
    }

    private mutating func setVocabulary(_ vocabulary: TinyVocabulary) {
        set("llama.vocab_size", .uint32(UInt32(vocabulary.tokens.count)))
        set("tokenizer.ggml.model", .string("gpt2"))
        set("tokenizer.ggml.pre", .string("gpt-2"))
        set("tokenizer.ggml.tokens", .strings(vocabulary.tokens))
        set("tokenizer.ggml.token_type", .int32s(vocabulary.types))
        set("tokenizer.ggml.merges", .strings(vocabulary.merges))
        set("tokenizer.ggml.bos_token_id", .uint32(UInt32(vocabulary.beginning)))
        set("tokenizer.ggml.eos_token_id", .uint32(UInt32(vocabulary.end)))
        set("tokenizer.ggml.add_bos_token", .bool(false))
        set("tokenizer.chat_template", .string(TinyVocabulary.chatTemplate))
    }

    private mutating func addWeights(_ shape: TinyShape, type: ElementType, seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let width = shape.embeddingLength
        let queryLength = shape.headCount * shape.headSize
        let keyLength = shape.headCountKV * shape.headSize
        let vocabularySize = TinyVocabulary().tokens.count
        if shape.hasRopeFrequencies { addRopeFrequencies(count: shape.headSize / 2) }
        addMatrix("token_embd", type, [width, vocabularySize], &random)
        for layer in 0..<shape.layers {
            let prefix = "blk.\(layer)."
            addVector(prefix + "attn_norm", width, &random)
            addMatrix(prefix + "attn_q", type, [width, queryLength], &random)
            addMatrix(prefix + "attn_k", type, [width, keyLength], &random)
            addMatrix(prefix + "attn_v", type, [width, keyLength], &random)
            addMatrix(prefix + "attn_output", type, [queryLength, width], &random)
            addVector(prefix + "ffn_norm", width, &random)
            addMatrix(prefix + "ffn_gate", type, [width, shape.feedForwardLength], &random)
            addMatrix(prefix + "ffn_up", type, [width, shape.feedForwardLength], &random)
            addMatrix(prefix + "ffn_down", type, [shape.feedForwardLength, width], &random)
        }
        addVector("output_norm", width, &random)
        if !shape.hasTiedHead { addMatrix("output", type, [width, vocabularySize], &random) }
    }

    /// Spread so that activations keep their size and logits differ clearly.
    private mutating func addMatrix(
        _ name: String, _ type: ElementType, _ shape: [Int], _ random: inout SeededRandom
    ) {
        let deviation = 1.5 / Float(shape[0]).squareRoot()
        let count = shape.reduce(1, *)
        let bytes = RandomWeights.bytes(type, count: count, deviation: deviation, using: &random)
        add(name + ".weight", type, shape, bytes)
    }

    private mutating func addVector(
        _ name: String, _ count: Int, _ random: inout SeededRandom
    ) {
        let bytes = RandomWeights.bytes(
            .f32, count: count, deviation: 0.1, mean: 1, using: &random)
        add(name + ".weight", .f32, [count], bytes)
    }

    /// Divisors of the rotation frequencies that grow from 1 to 8, as in Llama 3.
    private mutating func addRopeFrequencies(count: Int) {
        var bytes: [UInt8] = []
        for index in 0..<count {
            bytes.append(littleEndian: (1 + 7 * Float(index) / Float(max(1, count - 1))).bitPattern)
        }
        add("rope_freqs.weight", .f32, [count], bytes)
    }
}
