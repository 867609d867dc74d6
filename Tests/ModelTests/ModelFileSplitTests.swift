// SPDX-License-Identifier: Apache-2.0

import Model
import Platform
import TestSupport
import Testing

/// Models in several files: whole, and with parts that do not belong together.
struct ModelFileSplitTests {
    private let directory: TemporaryDirectory
    private let whole = GGUFBuilder.tinyLlama(layers: 2, type: .q8_0)
    private var parts: [GGUFBuilder]

    init() throws {
        directory = try TemporaryDirectory()
        parts = whole.parts(3)
    }

    private func write(_ parts: [GGUFBuilder]) throws {
        for (index, part) in parts.enumerated() {
            try directory.write(part.bytes(), to: "tiny-0000\(index + 1)-of-00003.gguf")
        }
    }

    private var firstPath: String { directory.file("tiny-00001-of-00003.gguf") }

    private func fault(_ change: (inout [GGUFBuilder]) -> Void) throws -> SplitFault? {
        var parts = parts
        change(&parts)
        try write(parts)
        do throws(ModelFileError) {
            _ = try ModelFile(path: firstPath)
            return nil
        } catch {
            guard case .split(_, let fault) = error else { throw error }
            return fault
        }
    }

    @Test(arguments: 1...3) func anyPartOpensTheWholeModel(number: Int) throws {
        try write(parts)
        let file = try ModelFile(path: directory.file("tiny-0000\(number)-of-00003.gguf"))
        let single = try ModelFile(path: directory.write(whole.bytes(), to: "whole.gguf"))
        #expect(file.name == "tiny")
        #expect(single.name == "whole")
        #expect(file.paths.count == 3)
        #expect(file.identities.count == 3)
        #expect(file.tensors.map(\.name) == single.tensors.map(\.name))
        for (tensor, other) in zip(file.tensors, single.tensors) {
            let bytes = tensor.region.withUnsafeBytes { [UInt8]($0) }
            #expect(other.region.withUnsafeBytes { [UInt8]($0) } == bytes)
        }
        let shape = try Hyperparameters(metadata: file.metadata, tensors: file.tensors)
        #expect(shape.layerCount == 2)
        // Blobs do not tell how the model was cut.
        let blobs = BlobPlan(file: file, hyperparameters: shape).all
        let others = BlobPlan(file: single, hyperparameters: shape).all
        for (blob, other) in zip(blobs, others) {
            #expect(
                try blob.read(offset: 0, count: blob.byteCount)
                    == other.read(offset: 0, count: other.byteCount))
        }
    }

    @Test func aMissingPartIsNamed() throws {
        try write(Array(parts.prefix(2)))
        #expect(
            throws: ModelFileError.file(
                .cannotOpen(path: directory.file("tiny-00003-of-00003.gguf"), errno: 2))
        ) { try ModelFile(path: firstPath) }
    }

    @Test func partsThatDoNotBelongTogether() throws {
        #expect(try fault { _ in } == nil)
        #expect(
            try fault { $0.swapAt(1, 2) } == .partNumber(expected: 1, found: 2))
        #expect(
            try fault { $0[2].remove("split.no") } == .partNumber(expected: 2, found: nil))
        #expect(
            try fault { $0[1].set("split.count", .uint16(4)) }
                == .partCount(expected: 3, found: 4))
        #expect(
            try fault { $0[0].set("split.count", .uint16(65_535)) }
                == .partCount(expected: 3, found: 65_535))
        #expect(
            try fault { $0[1].remove("split.count") } == .partCount(expected: 3, found: nil))
        #expect(
            try fault { $0[2].tensors.removeLast() }
                == .tensorCount(expected: 21, found: 20))
    }

    @Test func aTensorInTwoPartsIsRefused() throws {
        var parts = parts
        parts[2].tensors[0] = parts[0].tensors[0]
        try write(parts)
        #expect(
            throws: ModelFileError.format(
                path: directory.file("tiny-00003-of-00003.gguf"),
                .duplicateTensor("token_embd.weight"))
        ) { try ModelFile(path: firstPath) }
    }

    @Test func aPartUnderAnotherNameIsRefused() throws {
        let path = try directory.write(parts[0].bytes(), to: "renamed.gguf")
        #expect(throws: ModelFileError.split(path: path, .name(partCount: 3))) {
            try ModelFile(path: path)
        }
    }

    @Test func aWholeModelNamedLikeAPartIsNotOne() throws {
        let path = try directory.write(whole.bytes(), to: "tiny-00001-of-00003.gguf")
        #expect(try ModelFile(path: path).paths == [path])
    }
}
