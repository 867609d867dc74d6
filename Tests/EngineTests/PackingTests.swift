// SPDX-License-Identifier: Apache-2.0

import CKernels
import Model
import Testing

@Suite struct PackingTests {
    @Test(arguments: ElementType.supported)
    func valuesFollowTheFormatsDefinition(type: ElementType) {
        var random = RandomSource(seed: UInt64(type.rawValue) + 1)
        let matrix = StoredMatrix(type: type, rows: 5, columns: type.wide(96), random: &random)
        var values = [Float](repeating: 0, count: 5 * matrix.columns)
        ck_dequantise(type.rawValue, matrix.bytes, values.count, &values)
        for (index, value) in values.enumerated() {
            let exact = matrix.value(index)
            #expect(abs(Double(value) - exact) <= 1e-6 * abs(exact) + 1e-7, "\(index)")
        }
    }

    @Test(arguments: ElementType.supported)
    func packedRowsHoldTheSameBits(type: ElementType) {
        var random = RandomSource(seed: UInt64(type.rawValue) + 2)
        let columns = type.wide(64)
        for rows in [1, 15, 16, 17, 40] {
            let matrix = StoredMatrix(type: type, rows: rows, columns: columns, random: &random)
            var stored = [Float](repeating: 0, count: rows * columns)
            ck_dequantise(type.rawValue, matrix.bytes, stored.count, &stored)
            matrix.withPacked { packed in
                var packed = packed
                for row in 0..<rows {
                    var values = [Float](repeating: 0, count: columns)
                    ck_unpack_row(&packed, row, &values)
                    #expect(
                        values.isIdentical(to: Array(stored[row * columns..<(row + 1) * columns])))
                }
            }
        }
    }

    @Test(arguments: ElementType.supported)
    func packingGrowsNothing(type: ElementType) {
        #expect(
            ck_group_bytes(type.rawValue, 512) == 16 * 512 / type.blockElementCount
                * type.blockByteCount)
        #expect(ck_group_bytes(99, 64) == 0)
    }

    @Test(arguments: ElementType.floats, ISAs.all)
    func widenedGroupsAreColumnsOfRows(type: ElementType, isa: ck_isa) {
        var random = RandomSource(seed: UInt64(type.rawValue) + 3)
        let matrix = StoredMatrix(type: type, rows: 37, columns: 21, random: &random)
        var tile = [Float](repeating: -1, count: 21 * 32)
        matrix.withPacked { packed in
            var packed = packed
            ck_widen_groups(isa, &packed, 1, 2, &tile)
        }
        for column in 0..<21 {
            for row in 16..<37 {
                #expect(
                    Double(tile[column * 32 + row - 16]) == matrix.value(row * 21 + column))
            }
        }
    }
}

/// The instruction sets of this machine.
enum ISAs {
    static let all = [CK_PORTABLE, CK_AVX2, CK_AVXVNNI, CK_AVX512VNNI, CK_NEON]
        .filter { ck_isa_supported($0) }
    static let fast = all.filter { $0 != CK_PORTABLE }
}
