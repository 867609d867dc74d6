// SPDX-License-Identifier: Apache-2.0

import Model
import TestSupport
import Testing

/// Files with one thing wrong, each refused for that thing.
struct GGUFFaultTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// The fault for which the file is refused; nil where it is not.
    private func fault(_ bytes: [UInt8]) throws -> GGUFFault? {
        let path = try directory.write(bytes, to: "model.gguf")
        do throws(ModelFileError) {
            _ = try ModelFile(path: path)
            return nil
        } catch {
            guard case .format(path, let fault) = error else { throw error }
            #expect("\(fault)" != "is not a sound GGUF file", "every fault has its own words")
            #expect(!"\(error)".contains("\n"))
            return fault
        }
    }

    private func fault(_ change: (inout GGUFBuilder) -> Void) throws -> GGUFFault? {
        var builder = GGUFBuilder()
        builder.set("key", .uint32(1))
        builder.add("a", .f32, [8], [UInt8](repeating: 0, count: 32))
        builder.add("b", .q8_0, [32, 2], [UInt8](repeating: 0, count: 68))
        change(&builder)
        return try fault(builder.bytes())
    }

    /// A sound header with `bytes` at `offset`.
    private func fault(_ bytes: [UInt8], at offset: Int) throws -> GGUFFault? {
        var file = GGUFBuilder.tinyLlama(layers: 1).bytes()
        file.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        return try fault(file)
    }

    private let huge = [UInt8](repeating: 0xFF, count: 8)

    @Test func textOfTheFileCannotBreakAMessage() throws {
        let name = "a\n\u{1B}[2J\u{2028}" + String(repeating: "n", count: 200)
        let found = try #require(
            try fault {
                $0.tensors[0].shape = []; $0.tensors[0].name = name
            })
        let message = "\(found)"
        #expect(message.contains("tensor a\u{FFFD}\u{FFFD}[2J\u{FFFD}nnn"))
        #expect(message.count < 160)
        let key = try #require(try fault { $0.set("k\n", rawType: 99, []) })
        #expect(key == .valueType(key: "k\n", type: 99))
    }

    @Test func theSoundFileIsNotRefused() throws { #expect(try fault { _ in } == nil) }

    @Test func magicAndVersion() throws {
        #expect(try fault([]) == .magic([]))
        #expect(try fault(Array("GG".utf8)) == .magic(Array("GG".utf8)))
        #expect(try fault(Array("PK\u{3}\u{4}....".utf8)) == .magic([0x50, 0x4B, 3, 4]))
        #expect(try fault([0, 0, 0, 3], at: 4) == .bigEndian)
        #expect(try fault([0, 0, 0, 2], at: 4) == .bigEndian)
        for version: UInt32 in [0, 1, 4, 0xFFFF_FFFF] {
            #expect(try fault { $0.version = version } == .version(version))
        }
    }

    @Test func countsAreHeldAgainstTheFile() throws {
        guard case .tooMany("the tensor table", .max, _)? = try fault(huge, at: 8) else {
            Issue.record("tensor count believed")
            return
        }
        guard case .tooMany("the metadata table", .max, _)? = try fault(huge, at: 16) else {
            Issue.record("metadata count believed")
            return
        }
    }

    @Test(arguments: [UInt64.max, 1 << 63, 1 << 40, 1 << 24, 10_000])
    func lengthsAreHeldAgainstTheFile(length: UInt64) throws {
        var text: [UInt8] = []
        text.append(littleEndian: length)
        guard case .tooMany("key", length, _)? = try fault({ $0.set("key", rawType: 8, text) })
        else {
            Issue.record("string length believed")
            return
        }
        for type: UInt32 in 0...12 {
            var array: [UInt8] = []
            array.append(littleEndian: type)
            array.append(littleEndian: length)
            let found = try fault { $0.set("key", rawType: 9, array) }
            guard case .tooMany("key", length, _)? = found else {
                Issue.record("count of an array of type \(type) believed: \(found as Any)")
                return
            }
        }
    }

    @Test func metadataValues() throws {
        #expect(try fault { $0.set("key", rawType: 13, []) } == .valueType(key: "key", type: 13))
        #expect(
            try fault { $0.set("key", .array(99, [])) } == .valueType(key: "key", type: 99))
        #expect(try fault { $0.set("key", rawType: 7, [2]) } == .boolean(key: "key", value: 2))
        #expect(
            try fault { $0.set("key", .array(7, [.uint8(255)])) }
                == .boolean(key: "key", value: 255))
        var deep = GGUFValue.int32s([1])
        for _ in 0..<3 { deep = .array(9, [deep]) }
        #expect(try fault { $0.set("key", deep) } == nil)
        for _ in 0..<10_000 { deep = .array(9, [deep]) }
        #expect(try fault { $0.set("key", deep) } == .nesting(key: "key", limit: 4))
    }

    @Test func keys() throws {
        #expect(try fault { $0.metadata.append($0.metadata[0]) } == .duplicateKey("key"))
        #expect(try fault { $0.set("", .bool(true)) } == .keyText(offset: 24 + 19))
        let long = String(repeating: "k", count: 65_536)
        #expect(try fault { $0.set(long, .bool(true)) } == .keyText(offset: 24 + 19))
        #expect(try fault([0xFF], at: 32) == .keyText(offset: 24))
    }

    @Test(arguments: [0, 3, 48, 1 << 21, 0xFFFF_FFFF])
    func alignment(value: UInt32) throws {
        #expect(
            try fault { $0.set("general.alignment", .uint32(value)) } == .alignment("\(value)"))
    }

    @Test func alignmentThatIsNoNumber() throws {
        #expect(
            try fault { $0.set("general.alignment", .string("x")) } == .alignment("a text"))
    }

    @Test func tensorTable() throws {
        #expect(try fault { $0.tensors[1].name = "a" } == .duplicateTensor("a"))
        let long = String(repeating: "n", count: 256)
        guard case .tensorName? = try fault({ $0.tensors[1].name = long }) else {
            Issue.record("long name accepted")
            return
        }
        #expect(
            try fault { $0.tensors[0].shape = [] } == .dimensionCount(tensor: "a", count: 0))
        #expect(
            try fault { $0.tensors[0].shape = [1, 1, 1, 1, 1] }
                == .dimensionCount(tensor: "a", count: 5))
        #expect(
            try fault { $0.tensors[0].shape = [8, 0] }
                == .dimension(tensor: "a", index: 1, value: 0))
        #expect(
            try fault { $0.tensors[0].shape = [1 << 63] }
                == .dimension(tensor: "a", index: 0, value: 1 << 63))
        #expect(
            try fault { $0.tensors[0].shape = [1 << 32, 1 << 32] } == .tensorSize("a"))
        #expect(try fault { $0.tensors[0].shape = [1 << 62] } == .tensorSize("a"))
        #expect(
            try fault { $0.tensors[1].shape = [33, 2] }
                == .rowLength(tensor: "b", length: 33, type: .q8_0))
        #expect(
            try fault { $0.tensors[1].type = 99 } == .elementType(tensor: "b", type: 99))
    }

    /// 32 and 288 elements are whole blocks of the plain types, and none of the K types.
    @Test(arguments: [ElementType.q2_K, .q3_K, .q4_K, .q5_K, .q6_K], [32, 288])
    func rowsOfBrokenSuperBlocksAreRefused(type: ElementType, length: Int) throws {
        let found = try fault {
            $0.tensors[1].type = type.rawValue
            $0.tensors[1].shape = [UInt64(length), 2]
        }
        #expect(found == .rowLength(tensor: "b", length: length, type: type))
    }

    @Test func tensorPlaces() throws {
        #expect(
            try fault { $0.tensors[1].offset = 33 }
                == .misplaced(tensor: "b", offset: 33, alignment: 32))
        #expect(try fault { $0.tensors[1].offset = 0 } == .overlap(tensor: "a", other: "b"))
        guard case .outsideFile("b", .max, _)? = try fault({ $0.tensors[1].offset = .max - 31 })
        else {
            Issue.record("offset overflowed")
            return
        }
        guard case .outsideFile("b", _, _)? = try fault({ $0.tensors[1].offset = 1 << 20 }) else {
            Issue.record("offset outside the file believed")
            return
        }
        guard case .outsideFile("b", _, _)? = try fault({ $0.tensors[1].shape = [32, 9] }) else {
            Issue.record("size outside the file believed")
            return
        }
    }
}
