// SPDX-License-Identifier: Apache-2.0

import CKernels
import FoundationEssentials
import Model
import Testing

/// Values bit for bit as the reference of the PyPI package `gguf` gives them, extreme scales
/// included; `scripts/make-quant-fixtures` wrote the fixture.
@Suite struct DequantisationTests {
    struct Fixture: Decodable {
        let type: String
        let stored: String
        let values: String
    }

    private static func fixtures() throws -> [Fixture] {
        let here = URL(filePath: #filePath).deletingLastPathComponent()
        let data = try Data(contentsOf: here.appending(path: "Fixtures/quants.json"))
        return try JSONDecoder().decode([Fixture].self, from: data)
    }

    private static func bytes(_ hex: String) throws -> [UInt8] {
        let digits = try hex.utf8.map { try #require(Character(Unicode.Scalar($0)).hexDigitValue) }
        return stride(from: 0, to: digits.count, by: 2).map {
            UInt8(digits[$0] * 16 + digits[$0 + 1])
        }
    }

    private static func words(_ bytes: [UInt8]) -> [UInt32] {
        stride(from: 0, to: bytes.count, by: 4).map { start in
            (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << (8 * $1) }
        }
    }

    @Test(arguments: ElementType.supported)
    func valuesAreThoseOfTheReference(type: ElementType) throws {
        let fixture = try #require(try Self.fixtures().first { $0.type == type.name })
        let stored = try Self.bytes(fixture.stored)
        let expected = try Self.words(Self.bytes(fixture.values))
        #expect(stored.count / type.blockByteCount >= 13)
        #expect(expected.count == stored.count / type.blockByteCount * type.blockElementCount)
        var values = [Float](repeating: .nan, count: expected.count)
        ck_dequantise(type.rawValue, stored, values.count, &values)
        #expect(values.map(\.bitPattern) == expected)
        // The same when packed: each block is a row.
        let matrix = StoredMatrix(
            type: type, rows: stored.count / type.blockByteCount, columns: type.blockElementCount,
            bytes: stored)
        matrix.withPacked { packed in
            var packed = packed
            for row in 0..<matrix.rows {
                var unpacked = [Float](repeating: .nan, count: matrix.columns)
                ck_unpack_row(&packed, row, &unpacked)
                let range = row * matrix.columns..<(row + 1) * matrix.columns
                #expect(unpacked.map(\.bitPattern) == Array(expected[range]))
            }
        }
    }
}
