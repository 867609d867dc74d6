// SPDX-License-Identifier: Apache-2.0

import Model
import Platform
import TestSupport
import Testing

struct BlobPlanTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func plan(_ builder: GGUFBuilder) throws -> (ModelFile, BlobPlan) {
        let file = try ModelFile(path: directory.write(builder.bytes(), to: "model.gguf"))
        let shape = try Hyperparameters(metadata: file.metadata, tensors: file.tensors)
        return (file, BlobPlan(file: file, hyperparameters: shape))
    }

    private func names(_ plan: BlobPlan, _ range: Range<Int>) -> [String] {
        plan.blobs(forLayers: range).map(\.name)
    }

    @Test func aSeparateHeadNeedsNoEmbeddingAtTheEnd() throws {
        let (_, plan) = try plan(.tinyLlama(layers: 3))
        #expect(!plan.hasTiedHead)
        #expect(names(plan, 0..<1) == ["embedding", "layer 0"])
        #expect(names(plan, 1..<2) == ["layer 1"])
        #expect(names(plan, 1..<3) == ["layer 1", "layer 2", "output"])
        #expect(names(plan, 0..<3) == ["embedding", "layer 0", "layer 1", "layer 2", "output"])
        #expect(
            plan.output.entries.map(\.tensor.name) == ["output_norm.weight", "output.weight"])
    }

    @Test func aTiedHeadNeedsTheEmbeddingAtBothEnds() throws {
        var shape = TinyShape()
        shape.hasTiedHead = true
        shape.hasRopeFrequencies = true
        let (_, plan) = try plan(.tinyLlama(shape: shape, type: .q4_1, seed: 3))
        #expect(plan.hasTiedHead)
        #expect(names(plan, 0..<1) == ["rope", "embedding", "layer 0"])
        #expect(names(plan, 1..<2) == ["rope", "layer 1"])
        #expect(names(plan, 2..<3) == ["rope", "embedding", "layer 2", "output"])
        #expect(plan.all.map(\.name).count == Set(plan.all.map(\.name)).count)
        #expect(plan.output.entries.map(\.tensor.name) == ["output_norm.weight"])
    }

    @Test func everyTensorIsInOneBlobInFileOrder() throws {
        let file = try ModelFile(path: TestModel.path)
        let shape = try Hyperparameters(metadata: file.metadata, tensors: file.tensors)
        let plan = BlobPlan(file: file, hyperparameters: shape)
        let names = plan.all.flatMap { $0.entries.map(\.tensor.name) }
        #expect(Set(names) == Set(file.tensors.map(\.name)))
        #expect(names.count == file.tensors.count)
        #expect(plan.layers.count == 30)
        for (index, blob) in plan.layers.enumerated() {
            let expected = file.tensors.map(\.name).filter { $0.hasPrefix("blk.\(index).") }
            #expect(blob.entries.map(\.tensor.name) == expected)
        }
        #expect(plan.embedding.byteCount == 30_081_024)
        // Nine tensors, of which seven matrices, all multiples of 64 bytes.
        #expect(plan.layers[7].byteCount == 3 * 552_960 + 2 * 2_304 + 2 * 69_120 + 2 * 207_360)
    }

    @Test func offsetsAreAlignedAndDoNotOverlap() throws {
        let (_, plan) = try plan(.tinyLlama(layers: 1, type: .q5_1))
        for blob in plan.all {
            var end = 0
            for entry in blob.entries {
                #expect(entry.offset % 64 == 0)
                #expect(entry.offset >= end && entry.offset < end + 64)
                end = entry.offset + entry.tensor.byteCount
            }
            #expect(blob.byteCount == end)
        }
    }

    @Test(arguments: [1, 7, 64, 1_000, 1 << 20])
    func chunksOfAnySizeMakeTheSameBytes(chunkByteCount: Int) throws {
        // Odd sizes, so that there is padding between the tensors.
        var builder = GGUFBuilder()
        builder.alignment = 8
        var bytes: [UInt8] = []
        for (index, count) in [3, 100, 16, 1].enumerated() {
            let filling = [UInt8](repeating: UInt8(index + 1), count: count * 4)
            builder.add("t\(index)", .f32, [count], filling)
            bytes += [UInt8](repeating: 0, count: (64 - bytes.count % 64) % 64) + filling
        }
        let file = try ModelFile(path: directory.write(builder.bytes(), to: "odd.gguf"))
        let blob = Blob(name: "odd", tensors: file.tensors)
        #expect(blob.byteCount == bytes.count)
        var copied: [UInt8] = []
        while copied.count < blob.byteCount {
            let count = min(chunkByteCount, blob.byteCount - copied.count)
            copied += try blob.read(offset: copied.count, count: count)
        }
        #expect(copied == bytes)
        #expect(try blob.read(offset: blob.byteCount, count: 0) == [])
        var hash = SHA256()
        hash.update(bytes)
        #expect(try blob.digest() == hash.finish())
    }

    @Test func aFileThatChangedIsNotRead() throws {
        var builder = GGUFBuilder()
        builder.add("a", .f32, [16], [UInt8](repeating: 1, count: 64))
        let path = try directory.write(builder.bytes(), to: "changing.gguf")
        let blob = Blob(name: "a", tensors: try ModelFile(path: path).tensors)
        #expect(try blob.read(offset: 0, count: 64) == [UInt8](repeating: 1, count: 64))
        // Cut short in place: through the mapping, the next read would end the process.
        try directory.cut("changing.gguf", to: 10)
        #expect(throws: FileError.changed(path: path)) { try blob.read(offset: 0, count: 64) }
        #expect(throws: FileError.changed(path: path)) { try blob.digest() }
    }
}
