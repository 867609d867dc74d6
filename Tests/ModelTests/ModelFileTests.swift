// SPDX-License-Identifier: Apache-2.0

import Model
import Platform
import TestSupport
import Testing

/// The real model, with figures taken once from the Python package gguf.
struct ModelFileTests {
    private let file: ModelFile

    init() throws { file = try ModelFile(path: TestModel.path) }

    @Test func metadataAreThoseOfTheFile() throws {
        let metadata = file.metadata
        #expect(metadata.keys.count == 33)
        #expect(metadata.string("general.architecture") == "llama")
        #expect(metadata.string("general.name") == "Smollm2 135M 8k Lc100K Mix1 Ep2")
        #expect(metadata.strings("general.languages") == ["en"])
        #expect(metadata.bool("tokenizer.ggml.add_bos_token") == false)
        #expect(metadata.number("llama.rope.freq_base") == 100_000)
        #expect(metadata.integer("tokenizer.ggml.eos_token_id") == 2)
        let tokens = try #require(metadata.strings("tokenizer.ggml.tokens"))
        #expect(tokens.count == 49_152)
        #expect(tokens.prefix(3) == ["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
        #expect(metadata.integers("tokenizer.ggml.token_type")?.count == 49_152)
        #expect(metadata.strings("tokenizer.ggml.merges")?.first == "Ġ t")
        #expect(metadata.string("tokenizer.chat_template")?.contains("SmolLM") == true)
    }

    @Test func tensorsAreThoseOfTheFile() throws {
        #expect(file.tensors.count == 272)
        #expect(file.byteCount == 98_362_432)
        #expect(file.name == "SmolLM2-135M-Instruct.Q4_1")
        let embedding = try #require(file.tensor(named: "token_embd.weight"))
        #expect(embedding.shape == [576, 49_152])
        #expect(embedding.type == .q8_0)
        #expect(embedding.region.range == 1_785_664..<1_785_664 + 30_081_024)
        let down = try #require(file.tensor(named: "blk.0.ffn_down.weight"))
        #expect(down.shape == [1_536, 576])
        #expect(down.type == .q4_1)
        #expect(down.region.range == 31_868_992..<31_868_992 + 552_960)
        #expect(file.tensors.map(\.elementCount).reduce(0, +) == 134_515_008)
    }

    @Test func hyperparametersAreThoseOfTheFile() throws {
        let found = try Hyperparameters(metadata: file.metadata, tensors: file.tensors)
        #expect(
            found
                == Hyperparameters(
                    layerCount: 30, embeddingLength: 576, feedForwardLength: 1_536, headCount: 9,
                    headCountKV: 3, headSize: 64, ropeDimensionCount: 64, ropeBase: 100_000,
                    ropeScale: 1, rmsEpsilon: 9.999999747378752e-06, vocabularySize: 49_152,
                    contextLength: 8_192))
    }

    @Test func aMissingFileIsNamed() {
        #expect {
            try ModelFile(path: "/nonexistent/model.gguf")
        } throws: {
            "\($0)".contains("/nonexistent/model.gguf")
        }
    }
}
