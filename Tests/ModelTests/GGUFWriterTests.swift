// SPDX-License-Identifier: Apache-2.0

import Foundation
import Model
import Platform
import TestSupport
import Testing

struct GGUFWriterTests {
    private func plan(_ name: String, _ type: ElementType, _ shape: [Int]) throws -> GGUFWriter.Plan
    {
        try #require(GGUFWriter.Plan(name: name, type: type, shape: shape))
    }

    @Test func whatIsWrittenIsRead() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("model.gguf")
        // Neither a multiple of the alignment, so that padding shows.
        let plans = [
            try plan("a", .f32, [3]), try plan("b", .q4_0, [32, 3]), try plan("c", .f16, [5]),
        ]
        var writer = try GGUFWriter(
            path: path, metadata: [("text", .string("value")), ("list", .strings(["x", "yz"]))],
            tensors: plans)
        let bytes = plans.map { (0..<$0.byteCount).map { UInt8(truncatingIfNeeded: $0 &* 7) } }
        try writer.append(Array(bytes[0][..<5]))
        try writer.append(Array(bytes[0][5...]))
        try writer.append(bytes[1])
        try writer.append(bytes[2])
        #expect(!FileSystem.exists(path))
        try writer.commit()

        let file = try ModelFile(path: path)
        #expect(file.byteCount == writer.byteCount)
        #expect(file.metadata.string("text") == "value")
        #expect(file.metadata.strings("list") == ["x", "yz"])
        #expect(file.tensors.map(\.name) == ["a", "b", "c"])
        #expect(file.tensors.map(\.shape) == [[3], [32, 3], [5]])
        for (tensor, expected) in zip(file.tensors, bytes) {
            #expect(tensor.region.withUnsafeBytes { Array($0) } == expected)
        }
    }

    @Test func whatIsGivenUpLeavesNothing() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("model.gguf")
        do {
            var writer = try GGUFWriter(
                path: path, metadata: [], tensors: [try plan("a", .f32, [8])])
            try writer.append([1, 2, 3])
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
    }

    /// Neither writes into the other's file, nor into one that happens to have such a name.
    @Test func twoAtOnceKeepApart() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("model.gguf")
        let other = try directory.write([7], to: "model.gguf.partial")
        func writer(_ byte: UInt8) throws -> GGUFWriter {
            var writer = try GGUFWriter(
                path: path, metadata: [], tensors: [try plan("a", .f32, [8])])
            try writer.append([UInt8](repeating: byte, count: 32))
            return writer
        }
        var first = try writer(1)
        var second = try writer(2)
        try second.commit()
        try first.commit()
        let bytes = try Array(Data(contentsOf: URL(filePath: path)))
        #expect(bytes.suffix(32) == [UInt8](repeating: 1, count: 32)[...])
        #expect(try Array(Data(contentsOf: URL(filePath: other))) == [7])
    }

    @Test func noPlanForPartOfABlock() {
        #expect(GGUFWriter.Plan(name: "a", type: .q8_0, shape: [33]) == nil)
        #expect(GGUFWriter.Plan(name: "a", type: .f32, shape: [0]) == nil)
    }
}
