// SPDX-License-Identifier: Apache-2.0

import Model
import Platform
import TestSupport
import Testing

/// Damage without a plan: whatever happens to a file, it is refused or every tensor lies inside.
struct GGUFDamageTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// Whether the file is taken; where it is, everything it promises is touched.
    private func isTaken(_ path: String) throws -> Bool {
        do throws(ModelFileError) {
            let file = try ModelFile(path: path)
            for tensor in file.tensors {
                #expect(tensor.type.byteCount(of: tensor.shape) == tensor.region.byteCount)
                #expect(tensor.region.range.upperBound <= file.byteCount)
                tensor.region.withUnsafeBytes { #expect(!$0.isEmpty) }
            }
            let shape = try Hyperparameters(metadata: file.metadata, tensors: file.tensors)
            let plan = BlobPlan(file: file, hyperparameters: shape)
            #expect(plan.layers.count == shape.layerCount)
            return true
        } catch {
            #expect(!"\(error)".isEmpty)
            return false
        }
    }

    private func isTaken(_ bytes: [UInt8]) throws -> Bool {
        try isTaken(directory.write(bytes, to: "damaged.gguf"))
    }

    @Test func theRealModelCutAnywhereIsRefused() throws {
        let whole = try MappedFile(path: TestModel.path)
        let dataOffset = try ModelFile(path: TestModel.path).tensors[0].region.range.lowerBound
        var random = SeededRandom(seed: 2_026)
        // Most cuts inside the header, where there is something to go wrong; a copy of the whole
        // header is enough to tell that data are missing.
        var lengths = (0..<180).map { _ in Int.random(in: 0..<dataOffset, using: &random) }
        lengths += (0..<20).map { _ in
            Int.random(in: dataOffset..<dataOffset + (1 << 22), using: &random)
        }
        for length in lengths {
            let bytes = whole.withUnsafeBytes(0..<length) { [UInt8]($0) }
            #expect(try !isTaken(bytes), "cut at \(length)")
        }
        let path = directory.file("short.gguf")
        try directory.copy(TestModel.path, to: "short.gguf", byteCount: whole.byteCount - 1)
        #expect(try !isTaken(path), "cut by one byte")
    }

    @Test func aSmallModelCutAnywhereIsRefused() throws {
        let bytes = GGUFBuilder.tinyLlama(layers: 1, type: .q4_0).bytes()
        var random = SeededRandom(seed: 5)
        // The last tensor ends the file but for its padding.
        for _ in 0..<200 {
            let length = Int.random(in: 0..<bytes.count - 32, using: &random)
            #expect(try !isTaken(Array(bytes.prefix(length))), "cut at \(length)")
        }
        #expect(try isTaken(bytes))
    }

    @Test(arguments: [UInt8(0), 0x80, 0xFF])
    func everyByteOverwritten(value: UInt8) throws {
        var builder = GGUFBuilder.tinyLlama(layers: 1, type: .q8_0)
        builder.set("tokenizer.ggml.tokens", .strings(["a", "b"]))
        builder.set("tokenizer.ggml.token_type", .int32s([1, 1]))
        builder.set("tokenizer.ggml.merges", .strings(["a b"]))
        builder.set("extra", .array(9, [.int32s([1]), .array(7, [.bool(true)])]))
        let sound = builder.bytes()
        #expect(try isTaken(sound))
        var refused = 0
        let offsets = (0..<builder.header().count).filter { sound[$0] != value }
        for offset in offsets {
            var bytes = sound
            bytes[offset] = value
            if try !isTaken(bytes) { refused += 1 }
        }
        // Only bytes of names and texts that nothing depends on may change unnoticed.
        #expect(refused > offsets.count / 2)
    }

    @Test func randomDamage() throws {
        let builder = GGUFBuilder.tinyLlama(layers: 1, type: .q5_1)
        let sound = builder.bytes()
        let headerByteCount = builder.header().count
        var random = SeededRandom(seed: 11)
        var refused = 0
        for _ in 0..<500 {
            var bytes = sound
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                let offset = Int.random(in: 0..<headerByteCount, using: &random)
                bytes[offset] = UInt8.random(in: 0...255, using: &random)
            }
            if try !isTaken(bytes) { refused += 1 }
        }
        #expect(refused > 100)
    }
}
