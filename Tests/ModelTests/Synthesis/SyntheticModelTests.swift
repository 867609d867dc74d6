// SPDX-License-Identifier: Apache-2.0

import Foundation
import Model
import Platform
import TestSupport
import Testing

struct SyntheticModelTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func write(
        _ mix: SyntheticMix, to name: String, seed: UInt64 = 1, threads: Int = 2,
        hasTiedHead: Bool = true
    ) throws -> String {
        let model = SyntheticModel(shape: .tiny(hasTiedHead: hasTiedHead), mix: mix, seed: seed)
        let path = directory.file(name)
        let byteCount = try #require(try model.write(to: path, threadCount: threads))
        #expect(FileSystem.byteCount(path) == byteCount)
        return path
    }

    private func bytes(_ path: String) throws -> [UInt8] {
        let file = try MappedFile(path: path)
        return file.withUnsafeBytes(0..<file.byteCount) { Array($0) }
    }

    @Test(arguments: SyntheticMix.all.map(\.name), [false, true])
    func everyMixIsASoundModel(name: String, hasTiedHead: Bool) throws {
        let mix = try #require(SyntheticMix.all.first { $0.name == name })
        let file = try ModelFile(path: write(mix, to: "model.gguf", hasTiedHead: hasTiedHead))
        let numbers = try Hyperparameters(metadata: file.metadata, tensors: file.tensors)
        #expect(numbers == SyntheticShape.tiny().hyperparameters)
        #expect((file.tensor(named: "output.weight") == nil) == hasTiedHead)
        let query = try #require(file.tensor(named: "blk.1.attn_q.weight"))
        #expect(name.hasPrefix(query.type.name.lowercased()))
        let norm = try #require(file.tensor(named: "blk.0.attn_norm.weight"))
        #expect(norm.type == .f32)
    }

    @Test func theVocabularyWorks() throws {
        let file = try ModelFile(path: write(SyntheticMix.all[0], to: "model.gguf"))
        let tokenizer = try Tokenizer(metadata: file.metadata)
        #expect(tokenizer.vocabularyCount == 600 && tokenizer.addsBeginning)
        let text = "In the caravan: 17 über…"
        let tokens = tokenizer.encode(text, parseSpecial: true, addBeginning: true)
        #expect(tokens.first == tokenizer.beginning)
        #expect(tokens.count < text.utf8.count)
        let back = tokens.dropFirst().flatMap { tokenizer.bytes(of: $0, showSpecial: false) }
        #expect(String(decoding: back, as: UTF8.self) == text)
        let end = tokenizer.encode("<|eot_id|>", parseSpecial: true, addBeginning: false)
        #expect(end.count == 1 && tokenizer.endOfGeneration.contains(end[0]))
        let source = try #require(file.metadata.string("tokenizer.chat_template"))
        let template = try ChatTemplate(source: source, beginningText: "", endText: "")
        let prompt = try template.render(
            messages: [ChatMessage(role: "user", content: "Hi")], addGenerationPrompt: true)
        #expect(prompt.contains("Hi<|eot_id|>") && prompt.hasSuffix("<|end_header_id|>\n\n"))
    }

    @Test func theSeedDecidesAndThreadsDoNot() throws {
        let mix = try #require(SyntheticMix.all.first { $0.name == "q4_0" })
        let one = try bytes(write(mix, to: "one.gguf", seed: 5, threads: 1))
        #expect(try bytes(write(mix, to: "three.gguf", seed: 5, threads: 3)) == one)
        #expect(try bytes(write(mix, to: "other.gguf", seed: 6)) != one)
    }

    @Test func stoppedLeavesNothing() throws {
        let model = SyntheticModel(shape: .tiny(), mix: SyntheticMix.all[0], seed: 1)
        let path = directory.file("model.gguf")
        #expect(try model.write(to: path, threadCount: 1, until: { true }) == nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
    }

    /// Expected: Llama 3.1's formula in Python's doubles, base 500,000, 64 elements, factor 32.
    @Test func slowRotationsAreDivided() throws {
        let file = try ModelFile(path: write(SyntheticMix.all[0], to: "model.gguf"))
        let tensor = try #require(file.tensor(named: "rope_freqs.weight"))
        let divisors = tensor.region.withUnsafeBytes { bytes in
            (0..<32).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
        }
        #expect(divisors[..<15].allSatisfy { $0 == 1 })
        for (found, expected) in zip(divisors[15..<18], [1.65133, 3.29226, 9.66673] as [Float]) {
            #expect(abs(found / expected - 1) < 1e-4)
        }
        #expect(divisors[18...].allSatisfy { $0 == 32 })
    }

    /// The counts that the models were published with.
    @Test(arguments: [
        ("smollm2-135m", 134_515_008), ("llama-3.2-1b", 1_235_814_400),
        ("llama-3.1-8b", 8_030_261_248), ("llama-3.1-70b", 70_553_706_496),
        ("llama-3.1-405b", 405_853_388_800),
    ])
    func parameterCounts(name: String, expected: Int) throws {
        let shape = try #require(SyntheticShape.all.first { $0.name == name })
        let numbers = shape.hyperparameters
        var roles: [TensorRole] = [.embedding, .outputNorm]
        if !shape.hasTiedHead { roles.append(.output) }
        for layer in 0..<numbers.layerCount {
            roles += TensorRole.Part.allCases.map { .layer(layer, $0) }
        }
        #expect(roles.reduce(0) { $0 + numbers.shape(of: $1).reduce(1, *) } == expected)
    }

    /// What llama.cpp's quantiser makes of a model of this shape, tensors by type.
    @Test(arguments: [
        ("q4_0", ["F32": 61, "Q8_0": 1, "Q4_0": 210]),
        ("q2_k", ["F32": 61, "Q8_0": 1, "Q4_0": 180, "Q3_K": 30]),
        (
            "q3_k_m",
            [
                "F32": 61, "Q8_0": 1, "Q4_0": 120, "Q5_0": 58, "Q5_1": 2, "Q5_K": 1, "Q4_K": 29,
            ]
        ),
        ("q4_k_m", ["F32": 61, "Q8_0": 15, "Q5_0": 166, "Q6_K": 14, "Q4_K": 16]),
        ("q5_k_m", ["F32": 61, "Q8_0": 15, "Q5_1": 166, "Q6_K": 14, "Q5_K": 16]),
        ("iq4_nl", ["F32": 61, "Q8_0": 1, "IQ4_NL": 207, "Q5_K": 3]),
    ])
    func mixesAreThoseOfRealFiles(name: String, expected: [String: Int]) throws {
        let mix = try #require(SyntheticMix.all.first { $0.name == name })
        let shape = try #require(SyntheticShape.all.first)
        let types = shape.roles.map { mix.type(of: $0, in: shape).name }
        #expect(Dictionary(grouping: types) { $0 }.mapValues(\.count) == expected)
    }
}
