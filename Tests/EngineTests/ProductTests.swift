// SPDX-License-Identifier: Apache-2.0

import CKernels
import Model
import Testing

@Suite struct ProductTests {
    /// Rows of activations with their codes.
    struct Input {
        let rows: Int
        let columns: Int
        var values: [Float]
        /// (rows, columns) and (rows, columns / 32): each row's for itself.
        var codes: [Int8]
        var blocks: [ck_block]

        init(rows: Int, columns: Int, isa: ck_isa = CK_PORTABLE, random: inout RandomSource) {
            self.rows = rows
            self.columns = columns
            values = random.floats(rows * columns, -3...3)
            codes = [Int8](repeating: 0, count: rows * columns)
            blocks = [ck_block](repeating: ck_block(), count: rows * (columns / 32))
            if columns % 32 == 0 {
                ck_quantise(isa, values, values.count, 1, &codes, &blocks)
            }
        }

        func withKernel<R>(rows range: Range<Int>, _ body: (ck_activations) -> R) -> R {
            let (codes, blocks) = panels(range)
            return values.withUnsafeBufferPointer { values in
                codes.withUnsafeBufferPointer { codes in
                    blocks.withUnsafeBufferPointer { blocks in
                        body(
                            ck_activations(
                                rows: range.count, columns: columns,
                                values: values.baseAddress.map {
                                    $0 + range.lowerBound * columns
                                },
                                codes: codes.baseAddress, blocks: blocks.baseAddress))
                    }
                }
            }
        }

        /// The codes and blocks of `range` as the kernels want them.
        private func panels(_ range: Range<Int>) -> ([Int8], [ck_block]) {
            let length = columns / 32
            var codes = [Int8](repeating: 0, count: range.count * columns)
            var blocks = [ck_block](repeating: ck_block(), count: range.count * length)
            for row in 0..<range.count {
                let panel = ck_panel_of(row, range.count)
                for block in 0..<length {
                    let from = (range.lowerBound + row) * length + block
                    let to = panel.start * length + block * panel.rows + row - panel.start
                    blocks[to] = self.blocks[from]
                    for i in 0..<32 { codes[to * 32 + i] = self.codes[from * 32 + i] }
                }
            }
            return (codes, blocks)
        }
    }

    /// (rows of the range, weight rows)
    private func product(
        _ matrix: StoredMatrix, _ input: Input, isa: ck_isa, rows: Range<Int>? = nil,
        onto start: Float? = nil
    ) -> [Float] {
        let range = rows ?? 0..<input.rows
        var out = [Float](repeating: start ?? .nan, count: range.count * matrix.rows)
        matrix.withPacked { packed in
            input.withKernel(rows: range) { kernel in
                var (packed, kernel) = (packed, kernel)
                let middle = matrix.groupCount / 2
                for groups in [0..<middle, middle..<matrix.groupCount] {
                    ck_multiply(
                        isa, &packed, &kernel, groups.lowerBound, groups.upperBound, &out,
                        matrix.rows, start != nil)
                }
            }
        }
        return out
    }

    private func expectClose(_ out: [Float], _ matrix: StoredMatrix, _ input: Input) {
        let weights = (0..<matrix.rows * matrix.columns).map { matrix.value($0) }
        for row in 0..<input.rows {
            for w in 0..<matrix.rows {
                var sum = 0.0
                var size = 0.0
                for column in 0..<matrix.columns {
                    let at = row * matrix.columns + column
                    let x =
                        matrix.type.isQuantised
                        ? Double(input.codes[at]) * Double(input.blocks[at / 32].scale)
                        : Double(input.values[at])
                    sum += weights[w * matrix.columns + column] * x
                    size += abs(weights[w * matrix.columns + column] * x)
                }
                let error = abs(Double(out[row * matrix.rows + w]) - sum)
                #expect(error <= 1e-5 * size, "row \(row), weight row \(w)")
            }
        }
    }

    @Test(arguments: ElementType.supported, ISAs.all)
    func productsMatchDoubles(type: ElementType, isa: ck_isa) {
        var random = RandomSource(seed: UInt64(type.rawValue) * 5 + 11)
        let matrix = StoredMatrix(type: type, rows: 37, columns: type.wide(96), random: &random)
        let input = Input(rows: 11, columns: matrix.columns, random: &random)
        expectClose(product(matrix, input, isa: isa), matrix, input)
    }

    @Test(arguments: ElementType.floats)
    func floatWeightsMayHaveAnyWidth(type: ElementType) {
        var random = RandomSource(seed: 21)
        for columns in [1, 2, 7, 33] {
            let matrix = StoredMatrix(type: type, rows: 19, columns: columns, random: &random)
            let input = Input(rows: 5, columns: columns, random: &random)
            for isa in ISAs.all {
                expectClose(product(matrix, input, isa: isa), matrix, input)
            }
        }
    }

    @Test(arguments: ElementType.supported)
    func instructionSetsAndBatchesGiveTheSameBits(type: ElementType) {
        var random = RandomSource(seed: UInt64(type.rawValue) * 3 + 5)
        for (rows, width) in [(16, 32), (1, 64), (33, 288), (47, 160)] {
            let columns = type.wide(width)
            let matrix = StoredMatrix(type: type, rows: rows, columns: columns, random: &random)
            let input = Input(rows: 64, columns: columns, random: &random)
            let whole = product(matrix, input, isa: CK_PORTABLE)
            for isa in ISAs.all {
                #expect(product(matrix, input, isa: isa).isIdentical(to: whole))
                for count in 1...64 {
                    let start = (count * 7) % (65 - count)
                    let part = product(matrix, input, isa: isa, rows: start..<start + count)
                    let expected = Array(whole[start * rows..<(start + count) * rows])
                    #expect(part.isIdentical(to: expected), "\(rows)x\(columns), \(count) rows")
                }
            }
        }
    }

    @Test(arguments: ElementType.supported, ISAs.all)
    func accumulatingAddsToWhatIsThere(type: ElementType, isa: ck_isa) {
        var random = RandomSource(seed: 77)
        let matrix = StoredMatrix(type: type, rows: 20, columns: type.wide(64), random: &random)
        let input = Input(rows: 3, columns: matrix.columns, random: &random)
        let plain = product(matrix, input, isa: isa)
        let added = product(matrix, input, isa: isa, onto: 2.5)
        #expect(added.isIdentical(to: plain.map { 2.5 + $0 }))
    }

    @Test func panelsAreAsLargeAsTheRowsAllow() {
        for count in 1...40 {
            var sizes: [Int] = []
            var row = 0
            while row < count {
                let panel = ck_panel_of(row, count)
                #expect(panel.start == row)
                for other in row..<row + panel.rows {
                    let same = ck_panel_of(other, count)
                    #expect(same.start == row && same.rows == panel.rows)
                }
                sizes.append(panel.rows)
                row += panel.rows
            }
            let rest = count % 8 > 0 ? [count % 8] : []
            #expect(row == count && sizes == Array(repeating: 8, count: count / 8) + rest)
        }
    }

    /// The largest codes of all types at once: no sum may overflow its lane.
    @Test(arguments: ElementType.quantised)
    func extremeCodesAreExact(type: ElementType) {
        var random = RandomSource(seed: 3)
        for byte in [UInt8(0x00), 0xFF, 0x7F, 0x80] {
            var matrix = StoredMatrix(type: type, rows: 16, columns: type.wide(64), random: &random)
            matrix = StoredMatrix(matrix, filledWith: byte)
            for sign: Float in [-1, 1] {
                var input = Input(rows: 2, columns: matrix.columns, random: &random)
                input.values = input.values.map { _ in sign }
                ck_quantise(
                    CK_PORTABLE, input.values, input.values.count, 1, &input.codes, &input.blocks)
                #expect(input.codes.allSatisfy { $0 == Int8(sign * 127) })
                let reference = product(matrix, input, isa: CK_PORTABLE)
                expectClose(reference, matrix, input)
                for isa in ISAs.fast {
                    #expect(product(matrix, input, isa: isa).isIdentical(to: reference))
                }
            }
        }
    }
}

extension StoredMatrix {
    /// The same scales with every byte of codes replaced.
    fileprivate init(_ other: StoredMatrix, filledWith byte: UInt8) {
        self.init(
            type: other.type, rows: other.rows, columns: other.columns,
            bytes: other.bytes.enumerated().map { index, old in
                other.type.isScale(byte: index % other.type.blockByteCount) ? old : byte
            })
    }
}
