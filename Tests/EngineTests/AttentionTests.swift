// SPDX-License-Identifier: Apache-2.0

import CKernels
import Testing

@Suite struct AttentionTests {
    /// One sequence of one KV head, in the cache's layout and as it was put there.
    struct Sequence {
        let headSize: Int
        let length: Int
        let keys: [Float]
        let values: [Float]
        var keyCache: [UInt16]
        var valueCache: [UInt16]

        init(headSize: Int, length: Int, isa: ck_isa = CK_PORTABLE, random: inout RandomSource) {
            self.headSize = headSize
            self.length = length
            // f16 values, so that the cache holds them exactly.
            let draw = { (random: inout RandomSource) in
                random.floats(headSize * length).map { Float(Float16($0)) }
            }
            keys = draw(&random)
            values = draw(&random)
            let positions = (length + 31) / 32 * 32
            // What the cache holds beyond the sequence must not matter.
            keyCache = [UInt16](repeating: 0x7E00, count: positions * headSize)
            valueCache = [UInt16](
                repeating: 0x7E00, count: positions * Int(ck_value_stride(headSize)))
            for position in 0..<length {
                let range = position * headSize..<(position + 1) * headSize
                ck_store_kv(
                    isa, Array(keys[range]), Array(values[range]), headSize, position, &keyCache,
                    &valueCache)
            }
        }

        /// (rows, heads, headSize) for the rows that end at the sequence's end.
        func attend(
            _ queries: [Float], rows: Range<Int>, heads: Range<Int>, of headCount: Int, isa: ck_isa
        ) -> [Float] {
            let rowCount = queries.count / (headCount * headSize)
            var out = [Float](repeating: .nan, count: queries.count)
            queries.withUnsafeBufferPointer { queries in
                out.withUnsafeMutableBufferPointer { out in
                    guard let from = queries.baseAddress, let to = out.baseAddress else { return }
                    let stride = headCount * headSize
                    let offset = rows.lowerBound * stride + heads.lowerBound * headSize
                    keyCache.withUnsafeBufferPointer { keys in
                        valueCache.withUnsafeBufferPointer { values in
                            var request = ck_attention(
                                keys: keys.baseAddress, values: values.baseAddress,
                                head_size: headSize, scale: 0.25, row_count: rows.count,
                                head_count: heads.count,
                                first_length: length - rowCount + rows.lowerBound + 1,
                                queries: from + offset, query_stride: stride, out: to + offset,
                                out_stride: stride)
                            ck_attend(isa, &request)
                        }
                    }
                }
            }
            return out
        }

        /// The definition, in doubles.
        func exact(_ query: ArraySlice<Float>, length: Int) -> [Double] {
            let query = Array(query)
            let scores = (0..<length).map { key in
                (0..<headSize).reduce(0.0) {
                    $0 + Double(query[$1]) * Double(keys[key * headSize + $1])
                } * 0.25
            }
            let largest = scores.max() ?? 0
            let weights = scores.map { exponential($0 - largest) }
            let sum = weights.reduce(0, +)
            return (0..<headSize).map { i in
                (0..<length).reduce(0.0) {
                    $0 + weights[$1] * Double(values[$1 * headSize + i])
                } / sum
            }
        }
    }

    @Test(arguments: [8, 40, 64, 72, 80, 96, 128, 256])
    func softmaxMatchesDoubles(headSize: Int) {
        var random = RandomSource(seed: UInt64(headSize))
        for length in [3, 32, 33, 70] {
            let sequence = Sequence(headSize: headSize, length: length, random: &random)
            let queries = random.floats(3 * 2 * headSize, -3...3)
            for isa in ISAs.all {
                let out = sequence.attend(queries, rows: 0..<3, heads: 0..<2, of: 2, isa: isa)
                for pair in 0..<6 {
                    let range = pair * headSize..<(pair + 1) * headSize
                    let exact = sequence.exact(queries[range], length: length - 2 + pair / 2)
                    for (i, value) in exact.enumerated() {
                        #expect(abs(Double(out[range.lowerBound + i]) - value) < 2e-6)
                    }
                }
            }
        }
    }

    @Test(arguments: [(64, 3), (80, 1), (128, 4), (24, 2)])
    func tilesAndInstructionSetsGiveTheSameBits(headSize: Int, headCount: Int) {
        var random = RandomSource(seed: UInt64(headSize + headCount))
        let sequence = Sequence(headSize: headSize, length: 77, random: &random)
        let rowCount = 16 / headCount
        let queries = random.floats(rowCount * headCount * headSize, -3...3)
        let whole = sequence.attend(
            queries, rows: 0..<rowCount, heads: 0..<headCount, of: headCount, isa: CK_PORTABLE)
        #expect(whole.allSatisfy { $0.isFinite })
        for isa in ISAs.all {
            let other = sequence.attend(
                queries, rows: 0..<rowCount, heads: 0..<headCount, of: headCount, isa: isa)
            #expect(other.isIdentical(to: whole))
            for row in 0..<rowCount {
                for head in 0..<headCount {
                    let one = sequence.attend(
                        queries, rows: row..<row + 1, heads: head..<head + 1, of: headCount,
                        isa: isa)
                    let start = (row * headCount + head) * headSize
                    let range = start..<start + headSize
                    #expect(Array(one[range]).isIdentical(to: Array(whole[range])))
                }
            }
        }
    }

    @Test(arguments: ISAs.all) func cachesAreTheSameBits(isa: ck_isa) {
        var random = RandomSource(seed: 8)
        var again = random
        let reference = Sequence(headSize: 72, length: 50, random: &random)
        let other = Sequence(headSize: 72, length: 50, isa: isa, random: &again)
        #expect(other.keyCache == reference.keyCache)
        #expect(other.valueCache == reference.valueCache)
    }
}
