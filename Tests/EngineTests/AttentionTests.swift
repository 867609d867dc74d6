// SPDX-License-Identifier: Apache-2.0

import CKernels
import Model
import Testing

@Suite struct AttentionTests {
    /// What a model may have, so that none is refused only once its layers are shipped.
    @Test func headsOfEveryModelAreTaken() {
        #expect(Hyperparameters.headSizeMax == Int(CK_HEAD_SIZE_MAX))
    }

    /// One sequence of one KV head, in pages of two blocks and as it was put there.
    struct Sequence {
        let type: UInt32
        let headSize: Int
        let length: Int
        let keys: [Float]
        let values: [Float]
        let pages: [UInt32]
        var pool: [UInt8]
        private let pageBytes: Int

        private static let pageBlocks = 2
        private static let blockLength = Int(CK_KEY_BLOCK)

        init(
            type: UInt32 = UInt32(CK_KV_F16), headSize: Int, length: Int,
            isa: ck_isa = CK_PORTABLE, random: inout RandomSource
        ) {
            self.type = type
            self.headSize = headSize
            self.length = length
            // f16 values, so that the cache holds them exactly.
            let draw = { (random: inout RandomSource) in
                random.floats(headSize * length).map { Float(Float16($0)) }
            }
            keys = draw(&random)
            values = draw(&random)
            let blockBytes = Int(ck_kv_block_bytes(type, headSize))
            let perPage = Self.pageBlocks * Self.blockLength
            pageBytes = Self.pageBlocks * blockBytes
            let pageCount = (length + perPage - 1) / perPage
            // Last page first, with one that is not the sequence's in between.
            pages = (0..<pageCount).map { UInt32(2 * (pageCount - 1 - $0)) }
            // What the cache holds beyond the sequence must not matter: NaN, read as f16.
            pool = [UInt8](repeating: 0x7E, count: (2 * pageCount) * pageBytes)
            for position in 0..<length {
                let range = position * headSize..<(position + 1) * headSize
                let (key, value) = (Array(keys[range]), Array(values[range]))
                let block =
                    Int(pages[position / perPage]) * pageBytes
                    + position % perPage / Self.blockLength * blockBytes
                pool.withUnsafeMutableBytes { pool in
                    guard let base = pool.baseAddress else { return }
                    ck_store_kv(
                        isa, type, key, value, headSize, position % Self.blockLength,
                        base + block)
                }
            }
        }

        /// (rows, heads, headSize) for the rows that end at the sequence's end; `byParts` makes
        /// the sums of each segment by itself, the last one first.
        func attend(
            _ queries: [Float], rows: Range<Int>, heads: Range<Int>, of headCount: Int,
            isa: ck_isa, byParts: Bool = false
        ) -> [Float] {
            let rowCount = queries.count / (headCount * headSize)
            let stride = headCount * headSize
            let offset = rows.lowerBound * stride + heads.lowerBound * headSize
            let segments = Int(ck_segment_count(length))
            var out = [Float](repeating: .nan, count: queries.count)
            var partials = [Float](
                repeating: .nan,
                count: segments * rows.count * heads.count * Int(ck_partial_length(headSize)))
            pool.withUnsafeBytes { pool in
                pages.withUnsafeBufferPointer { pages in
                    queries.withUnsafeBufferPointer { queries in
                        out.withUnsafeMutableBufferPointer { out in
                            partials.withUnsafeMutableBufferPointer { partials in
                                guard let from = queries.baseAddress, let to = out.baseAddress
                                else { return }
                                var request = ck_attention(
                                    pool: pool.baseAddress, pages: pages.baseAddress,
                                    page_bytes: pageBytes, page_blocks: Self.pageBlocks,
                                    kv_type: type, scale: 0.25, head_size: headSize,
                                    row_count: rows.count, head_count: heads.count,
                                    first_length: length - rowCount + rows.lowerBound + 1,
                                    queries: from + offset, out: to + offset,
                                    query_stride: stride, out_stride: stride,
                                    partials: partials.baseAddress, next: nil)
                                guard byParts else { return ck_attend(isa, &request) }
                                for segment in (0..<segments).reversed() {
                                    ck_attend_segments(isa, &request, segment, segment + 1)
                                }
                                ck_combine_segments(isa, &request)
                            }
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

    private static let types = [UInt32(CK_KV_F16), UInt32(CK_KV_Q8)]

    @Test(arguments: [8, 40, 64, 72, 80, 96, 128, 256], types)
    func softmaxMatchesDoubles(headSize: Int, type: UInt32) {
        var random = RandomSource(seed: UInt64(headSize))
        for length in [3, 32, 33, 70, 300] {
            let sequence = Sequence(type: type, headSize: headSize, length: length, random: &random)
            let queries = random.floats(3 * 2 * headSize, -3...3)
            // Codes of 8 bits move a score by up to 3 · headSize / 254 of the largest key.
            let tolerance = type == UInt32(CK_KV_Q8) ? 0.06 : 2e-6
            for isa in ISAs.all {
                let out = sequence.attend(queries, rows: 0..<3, heads: 0..<2, of: 2, isa: isa)
                for pair in 0..<6 {
                    let range = pair * headSize..<(pair + 1) * headSize
                    let exact = sequence.exact(queries[range], length: length - 2 + pair / 2)
                    let worst = exact.enumerated().reduce(0.0) { worst, element in
                        let error = Double(out[range.lowerBound + element.offset]) - element.element
                        return max(worst, abs(error))
                    }
                    #expect(worst < tolerance)
                }
            }
        }
    }

    @Test(arguments: [(64, 3), (80, 1), (128, 4), (24, 2)], types)
    func tilesPartsAndInstructionSetsGiveTheSameBits(shape: (Int, Int), type: UInt32) {
        let (headSize, headCount) = shape
        var random = RandomSource(seed: UInt64(headSize + headCount))
        let sequence = Sequence(type: type, headSize: headSize, length: 777, random: &random)
        let rowCount = 16 / headCount
        let queries = random.floats(rowCount * headCount * headSize, -3...3)
        let all = (rows: 0..<rowCount, heads: 0..<headCount)
        let whole = sequence.attend(
            queries, rows: all.rows, heads: all.heads, of: headCount, isa: CK_PORTABLE)
        #expect(whole.allSatisfy { $0.isFinite })
        for isa in ISAs.all {
            for byParts in [false, true] {
                let other = sequence.attend(
                    queries, rows: all.rows, heads: all.heads, of: headCount, isa: isa,
                    byParts: byParts)
                #expect(other.isIdentical(to: whole))
            }
            for row in all.rows {
                for head in all.heads {
                    let one = sequence.attend(
                        queries, rows: row..<row + 1, heads: head..<head + 1, of: headCount,
                        isa: isa, byParts: row % 2 == 1)
                    let start = (row * headCount + head) * headSize
                    let range = start..<start + headSize
                    #expect(Array(one[range]).isIdentical(to: Array(whole[range])))
                }
            }
        }
    }

    @Test(arguments: ISAs.all) func cachesAreTheSameBits(isa: ck_isa) {
        for type in Self.types {
            var random = RandomSource(seed: 8)
            var again = random
            let reference = Sequence(type: type, headSize: 72, length: 50, random: &random)
            let other = Sequence(type: type, headSize: 72, length: 50, isa: isa, random: &again)
            #expect(other.pool == reference.pool)
        }
    }

    @Test func segmentsFollowEachOther() {
        #expect(ck_segment_start(0) == 0 && ck_segment_count(0) == 0)
        for length in [1, 255, 256, 257, 4_096, 4_097, 8_192, 8_193, 16_384, 100_000, 1 << 24] {
            let count = ck_segment_count(length)
            #expect(ck_segment_start(count - 1) < length)
            #expect(ck_segment_start(count) >= length)
        }
        for segment in 0..<300 {
            let start = ck_segment_start(segment)
            let size = ck_segment_start(segment + 1) - start
            // Whole runs of keys, and never more than a sixteenth of what is before.
            #expect(size % 128 == 0 && size >= 256 && (size == 256 || size * 16 <= start))
        }
    }

    /// A cache must not pass on what f16 cannot hold, nor lose a position that is all zeros.
    @Test(arguments: types) func extremesStayFinite(type: UInt32) {
        let key = [Float](repeating: 3e38, count: 40)
        let value = [Float](repeating: -3e38, count: 32) + [Float](repeating: 0, count: 8)
        var block = [UInt8](repeating: 0, count: Int(ck_kv_block_bytes(type, 40)))
        var reference = block
        ck_store_kv(CK_PORTABLE, type, key, value, 40, 0, &reference)
        for isa in ISAs.all {
            ck_store_kv(isa, type, key, value, 40, 0, &block)
            #expect(block == reference)
            var out = [Float](repeating: .nan, count: 40)
            let query = [Float](repeating: 1e-9, count: 40)
            let pages: [UInt32] = [0]
            block.withUnsafeBytes { bytes in
                pages.withUnsafeBufferPointer { pages in
                    query.withUnsafeBufferPointer { query in
                        out.withUnsafeMutableBufferPointer { out in
                            var request = ck_attention(
                                pool: bytes.baseAddress, pages: pages.baseAddress,
                                page_bytes: bytes.count, page_blocks: 1, kv_type: type, scale: 1,
                                head_size: 40, row_count: 1, head_count: 1, first_length: 1,
                                queries: query.baseAddress, out: out.baseAddress,
                                query_stride: 40, out_stride: 40, partials: nil, next: nil)
                            ck_attend(isa, &request)
                        }
                    }
                }
            }
            #expect(out.allSatisfy { $0.isFinite })
            #expect(out[0] < -6e4 && out[39] == 0)
        }
    }
}
