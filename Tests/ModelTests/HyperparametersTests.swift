// SPDX-License-Identifier: Apache-2.0

import Model
import TestSupport
import Testing

/// Models that are sound files but have numbers or tensors that do not fit together.
struct HyperparametersTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func read(_ change: (inout GGUFBuilder) -> Void) throws -> Hyperparameters {
        var builder = GGUFBuilder.tinyLlama(layers: 2)
        change(&builder)
        let file = try ModelFile(path: directory.write(builder.bytes(), to: "model.gguf"))
        return try Hyperparameters(metadata: file.metadata, tensors: file.tensors)
    }

    private func fault(_ change: (inout GGUFBuilder) -> Void) throws -> ModelFault? {
        do {
            _ = try read(change)
            return nil
        } catch let error as ModelFileError {
            guard case .model(directory.file("model.gguf"), let fault) = error else { throw error }
            #expect(!"\(error)".contains("\n"))
            return fault
        }
    }

    /// The key that the refusal names.
    private func refusedKey(_ key: String, _ value: GGUFValue) throws -> String? {
        guard case .value(let refused, _, _)? = try fault({ $0.set(key, value) }) else {
            return nil
        }
        return refused
    }

    @Test func defaultsStandWhereKeysAreMissing() throws {
        let shape = try read {
            for key in ["rope.freq_base", "rope.dimension_count", "vocab_size"] {
                $0.remove("llama.\(key)")
            }
        }
        #expect(shape.ropeBase == 10_000)
        #expect(shape.ropeDimensionCount == 16)
        #expect(shape.ropeScale == 1)
        #expect(shape.vocabularySize == TinyVocabulary().tokens.count)
    }

    @Test func headsMayBeWiderThanTheEmbeddingDividedByThem() throws {
        var shape = TinyShape()
        shape.headSize = 24
        shape.hasRopeFrequencies = true
        let builder = GGUFBuilder.tinyLlama(shape: shape, type: .f16, seed: 1)
        let file = try ModelFile(path: directory.write(builder.bytes(), to: "wide.gguf"))
        let read = try Hyperparameters(metadata: file.metadata, tensors: file.tensors)
        #expect(read.headSize == 24)
        #expect(read.shape(of: .layer(0, .query)) == [64, 96])
    }

    @Test func ropeScaling() throws {
        let type = "llama.rope.scaling.type"
        let factor = "llama.rope.scaling.factor"
        #expect(try read { $0.set(factor, .float32(4)) }.ropeScale == 4)
        #expect(try read { $0.set("llama.rope.scale_linear", .float32(2)) }.ropeScale == 2)
        let none = try read {
            $0.set(type, .string("none"))
            $0.set(factor, .float32(4))
        }
        #expect(none.ropeScale == 1)
        #expect(try fault { $0.set(type, .string("yarn")) } == .ropeScaling("yarn"))
        for value: Float in [-1, .nan, .infinity] {
            #expect(try refusedKey(factor, .float32(value)) == factor)
        }
        let attention = "llama.rope.scaling.attn_factor"
        #expect(try refusedKey(attention, .float32(0.5)) == attention)
    }

    @Test func otherArchitecturesAreNamed() throws {
        let fault = try #require(
            try fault { $0.set("general.architecture", .string("mamba")) })
        #expect(fault == .architecture("mamba"))
        #expect("\(fault)".contains("mamba") && "\(fault)".contains("supported: llama"))
        #expect(
            try self.fault { $0.remove("general.architecture") } == .architecture(nil))
    }

    @Test(arguments: [
        "block_count", "context_length", "embedding_length", "feed_forward_length",
        "attention.head_count", "attention.layer_norm_rms_epsilon",
    ])
    func aMissingKeyIsNamed(key: String) throws {
        #expect(try fault { $0.remove("llama.\(key)") } == .missingKey("llama.\(key)"))
    }

    @Test(arguments: [
        "block_count", "context_length", "embedding_length", "feed_forward_length",
        "attention.head_count", "attention.head_count_kv", "attention.key_length",
        "rope.dimension_count", "vocab_size",
    ])
    func absurdCountsAreRefused(key: String) throws {
        let values: [GGUFValue] = [
            .uint32(0), .uint32(.max), .uint64(.max), .int32(-1), .int64(.min), .string("4"),
            .float32(4), .int32s([]), .int32s([1, 2]), .int32s([-1, -1]),
        ]
        for value in values {
            #expect(try fault { $0.set("llama.\(key)", value) } != nil, "\(value)")
        }
    }

    @Test func numbersThatDoNotFitTogether() throws {
        let heads = "llama.attention.head_count"
        let keyValueHeads = "llama.attention.head_count_kv"
        let rotated = "llama.rope.dimension_count"
        let epsilon = "llama.attention.layer_norm_rms_epsilon"
        let base = "llama.rope.freq_base"
        #expect(try refusedKey(heads, .uint32(3)) == heads)
        #expect(try refusedKey(keyValueHeads, .uint32(3)) == keyValueHeads)
        #expect(try refusedKey(keyValueHeads, .uint32(8)) == keyValueHeads)
        #expect(try refusedKey(rotated, .uint32(7)) == rotated)
        #expect(try refusedKey(rotated, .uint32(18)) == rotated)
        #expect(try refusedKey("llama.attention.key_length", .uint32(17)) != nil)
        let tooLong = UInt32(Hyperparameters.headSizeMax) + 2
        for key in ["key_length", "value_length"] {
            #expect(try refusedKey("llama.attention.\(key)", .uint32(tooLong)) != nil)
        }
        let value = "llama.attention.value_length"
        #expect(try refusedKey(value, .uint32(8)) == value)
        for bad: Float in [-1e-5, 1, .nan, .infinity] {
            #expect(try refusedKey(epsilon, .float32(bad)) == epsilon)
        }
        for bad: Float in [0, -10, .nan, .infinity] {
            #expect(try refusedKey(base, .float32(bad)) == base)
        }
        #expect(try refusedKey(base, .float64(1e300)) == base)
        #expect(try fault { $0.set(keyValueHeads, .int32s([2, 2])) } == nil)
    }

    @Test func missingTensorsAreNamed() throws {
        let names = GGUFBuilder.tinyLlama(layers: 2).tensors.map(\.name)
        for name in names where name != "output.weight" {
            #expect(
                try fault { $0.tensors.removeAll { $0.name == name } }
                    == .missingTensors([name]))
        }
        let many = try #require(
            try fault { $0.tensors.removeAll { $0.name.hasPrefix("blk.1.") } })
        #expect("\(many)".contains("9 tensors are missing: blk.1.attn_norm.weight"))
    }

    @Test func aWrongShapeIsNamed() throws {
        for index in GGUFBuilder.tinyLlama(layers: 2).tensors.indices {
            var name = ""
            let found = try fault {
                name = $0.tensors[index].name
                $0.tensors[index].shape[0] -= 1
            }
            guard case .shape(name, _, _)? = found else {
                Issue.record("\(name): \(found as Any)")
                continue
            }
        }
        #expect(try fault { $0.tensors[1].shape.append(1) } == nil, "a trailing 1 is no matter")
    }

    @Test func featuresNotSupportedAreRefused() throws {
        let one = [UInt8](repeating: 0, count: 4)
        #expect(
            try fault { $0.add("blk.0.attn_q.bias", .f32, [1], one) }
                == .bias("blk.0.attn_q.bias"))
        #expect(
            try fault { $0.add("blk.0.ffn_gate_exps.weight", .f32, [1], one) }
                == .experts("tensor blk.0.ffn_gate_exps.weight"))
        #expect(
            try fault { $0.set("llama.expert_count", .uint32(8)) }
                == .experts("llama.expert_count"))
        for name in ["blk.2.attn_q.weight", "blk.00.attn_q.weight", "blk..attn_q.weight", "x"] {
            #expect(try fault { $0.add(name, .f32, [1], one) } == .unknownTensor(name))
        }
        let block = [UInt8](repeating: 0, count: 2 * 34)
        #expect(
            try fault {
                $0.tensors.removeAll { $0.name == "output_norm.weight" }
                $0.add("output_norm.weight", .q8_0, [64], block)
            } == .quantisedVector(tensor: "output_norm.weight", type: .q8_0))
    }

    /// The file is sound, and opens.
    @Test(arguments: ElementType.allCases.filter { !ElementType.supported.contains($0) })
    func elementTypesThatCannotBeRunAreNamed(type: ElementType) throws {
        let found = try fault {
            $0.tensors.removeAll { $0.name == "blk.1.ffn_up.weight" }
            let shape = [512, 96]
            $0.add(
                "blk.1.ffn_up.weight", type, shape,
                [UInt8](repeating: 0, count: type.byteCount(of: shape) ?? 0))
        }
        #expect(found == .elementType(tensor: "blk.1.ffn_up.weight", type: type))
        #expect("\(try #require(found))".contains("the element type \(type.name), which is not"))
    }

    @Test func aStageIsCheckedByItsOwnLayers() throws {
        let builder = GGUFBuilder.tinyLlama(layers: 3, hasTiedHead: true)
        let file = try ModelFile(path: directory.write(builder.bytes(), to: "tied.gguf"))
        let shape = try Hyperparameters(metadata: file.metadata, tensors: file.tensors)
        let plan = BlobPlan(file: file, hyperparameters: shape)
        for range in [0..<1, 1..<2, 0..<3, 2..<3] {
            let tensors = plan.blobs(forLayers: range).flatMap { $0.entries.map(\.tensor) }
            try shape.checkTensors(tensors, forLayers: range)
            for index in tensors.indices {
                var fewer = tensors
                fewer.remove(at: index)
                #expect(throws: ModelFault.missingTensors([tensors[index].name])) {
                    try shape.checkTensors(fewer, forLayers: range)
                }
                #expect(throws: ModelFault.repeatedTensor(tensors[index].name)) {
                    try shape.checkTensors(tensors + [tensors[index]], forLayers: range)
                }
            }
        }
    }
}
