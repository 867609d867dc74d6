// SPDX-License-Identifier: Apache-2.0

import Model
import Platform
import TestSupport
import Testing

/// Sound files: every value type, both versions, alignments, element types.
struct GGUFReaderTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func open(_ builder: GGUFBuilder) throws -> ModelFile {
        try ModelFile(path: directory.write(builder.bytes(), to: "model.gguf"))
    }

    @Test(arguments: [UInt32(2), 3])
    func everyScalarIsReadWithoutLoss(version: UInt32) throws {
        var builder = GGUFBuilder()
        builder.version = version
        builder.set("u8", .uint8(255))
        builder.set("i8", .int8(-128))
        builder.set("u16", .uint16(65_535))
        builder.set("i16", .int16(-32_768))
        builder.set("u32", .uint32(.max))
        builder.set("i32", .int32(.min))
        builder.set("u64", .uint64(.max))
        builder.set("i64", .int64(.min))
        builder.set("f32", .float32(0.1))
        builder.set("f64", .float64(0.1))
        builder.set("yes", .bool(true))
        builder.set("no", .bool(false))
        builder.set("text", .string("Ġ été"))
        builder.set("empty", .string(""))
        let metadata = try open(builder).metadata
        #expect(metadata.keys == builder.metadata.map(\.key))
        #expect(metadata["u8"] == .unsigned(255))
        #expect(metadata["i8"] == .signed(-128))
        #expect(metadata["u16"] == .unsigned(65_535))
        #expect(metadata["i16"] == .signed(-32_768))
        #expect(metadata["u32"] == .unsigned(0xFFFF_FFFF))
        #expect(metadata["i32"] == .signed(-0x8000_0000))
        #expect(metadata["u64"] == .unsigned(.max))
        #expect(metadata["i64"] == .signed(.min))
        #expect(metadata["f32"] == .float(Double(Float(0.1))))
        #expect(metadata["f64"] == .float(0.1))
        #expect(metadata.bool("yes") == true)
        #expect(metadata.bool("no") == false)
        #expect(metadata.string("text") == "Ġ été")
        #expect(metadata.string("empty") == "")
        #expect(metadata.integer("u64") == nil, "too large for Int")
    }

    @Test func arraysOfEveryTypeAreRead() throws {
        var builder = GGUFBuilder()
        builder.set("u8", .array(0, [.uint8(1), .uint8(255)]))
        builder.set("i16", .array(3, [.int16(-1)]))
        builder.set("i64", .array(11, [.int64(.min), .int64(.max)]))
        builder.set("u64", .array(10, [.uint64(7)]))
        builder.set("wide", .array(10, [.uint64(7), .uint64(.max)]))
        builder.set("f32", .array(6, [.float32(0.5)]))
        builder.set("f64", .array(12, [.float64(0.1)]))
        builder.set("bool", .array(7, [.bool(true), .bool(false)]))
        builder.set("text", .strings(["a", "", "b"]))
        builder.set("none", .array(8, []))
        builder.set("nested", .array(9, [.int32s([1, 2]), .strings(["x"]), .array(9, [])]))
        let metadata = try open(builder).metadata
        #expect(metadata.integers("u8") == [1, 255])
        #expect(metadata.integers("i16") == [-1])
        #expect(metadata.integers("i64") == [.min, .max])
        #expect(metadata.integers("u64") == [7])
        #expect(metadata["wide"] == .array([.unsigned(7), .unsigned(.max)]))
        #expect(metadata.floats("f32") == [0.5])
        #expect(metadata["f64"] == .array([.float(0.1)]))
        #expect(metadata["bool"] == .array([.bool(true), .bool(false)]))
        #expect(metadata.strings("text") == ["a", "", "b"])
        #expect(metadata.strings("none") == [])
        #expect(
            metadata["nested"] == .array([.integers([1, 2]), .strings(["x"]), .array([])]))
    }

    @Test func aValueThatIsNotUTF8IsRepaired() throws {
        var builder = GGUFBuilder()
        builder.set("text", rawType: 8, [3, 0, 0, 0, 0, 0, 0, 0, 0x61, 0xFF, 0x62])
        #expect(try open(builder).metadata.string("text") == "a\u{FFFD}b")
    }

    @Test(arguments: [1, 8, 32, 64, 4_096])
    func tensorsLieWhereTheAlignmentPutsThem(alignment: Int) throws {
        var builder = GGUFBuilder()
        builder.alignment = alignment
        builder.add("a", .f32, [3], [UInt8](repeating: 1, count: 12))
        builder.add("b", .f16, [2, 2], [UInt8](repeating: 2, count: 8))
        let file = try open(builder)
        #expect(file.tensors.map(\.name) == ["a", "b"])
        #expect(file.tensors.map(\.shape) == [[3], [2, 2]])
        for (tensor, byte) in zip(file.tensors, [UInt8(1), 2]) {
            #expect(tensor.region.range.lowerBound % alignment == 0)
            #expect(tensor.region.withUnsafeBytes { $0.allSatisfy { $0 == byte } })
        }
    }

    @Test(arguments: ElementType.allCases)
    func everyElementTypeHasItsSize(type: ElementType) throws {
        // Elements and bytes of a block as ggml-common.h lays them out.
        let blocks: [ElementType: (Int, Int)] = [
            .f32: (1, 4), .f16: (1, 2), .bf16: (1, 2), .q4_0: (32, 18), .q4_1: (32, 20),
            .q5_0: (32, 22), .q5_1: (32, 24), .q8_0: (32, 34),
            .q2_K: (256, 84), .q3_K: (256, 110), .q4_K: (256, 144), .q5_K: (256, 176),
            .q6_K: (256, 210), .iq4_NL: (32, 18),
            // Those that are read but not run.
            .q8_1: (32, 36), .q8_K: (256, 292), .iq1_S: (256, 50), .iq1_M: (256, 56),
            .iq2_XXS: (256, 66), .iq2_XS: (256, 74), .iq2_S: (256, 82), .iq3_XXS: (256, 98),
            .iq3_S: (256, 110), .iq4_XS: (256, 136), .tq1_0: (256, 54), .tq2_0: (256, 66),
            .mxfp4: (32, 17), .nvfp4: (64, 36),
            .i8: (1, 1), .i16: (1, 2), .i32: (1, 4), .i64: (1, 8), .f64: (1, 8),
        ]
        let (elements, bytes) = try #require(blocks[type])
        var builder = GGUFBuilder()
        builder.add("t", type, [256, 3], [UInt8](repeating: 0, count: 256 * 3 / elements * bytes))
        let tensor = try #require(try open(builder).tensor(named: "t"))
        #expect(tensor.type == type)
        #expect(tensor.region.byteCount == 256 * 3 / elements * bytes)
        builder.tensors[0].bytes.removeLast(33)
        #expect(throws: ModelFileError.self) { try open(builder) }
    }

    @Test(arguments: ElementType.supported)
    func aTinyLlamaIsAModel(type: ElementType) throws {
        let file = try open(.tinyLlama(layers: 2, type: type, seed: 7))
        let shape = try Hyperparameters(metadata: file.metadata, tensors: file.tensors)
        #expect(shape.layerCount == 2)
        #expect(shape.headSize == 16)
        #expect(file.metadata.strings("tokenizer.ggml.tokens")?.count == shape.vocabularySize)
        let again = GGUFBuilder.tinyLlama(layers: 2, type: type, seed: 7)
        #expect(again.bytes() == GGUFBuilder.tinyLlama(layers: 2, type: type, seed: 7).bytes())
        #expect(again.bytes() != GGUFBuilder.tinyLlama(layers: 2, type: type, seed: 8).bytes())
    }
}
