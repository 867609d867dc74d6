// SPDX-License-Identifier: Apache-2.0

import CKernels

/// Where quantised rows go: (rows, columns) codes and (rows, columns / 32) blocks, in panels.
struct CodeBuffer {
    let codes: UnsafeMutablePointer<Int8>
    let blocks: UnsafeMutablePointer<ck_block>
}

/// Rows that are about to be multiplied with weights: as f32, and quantised where they are to be.
struct Activations {
    let kernel: ck_activations
    var rowCount: Int { kernel.rows }
    var columnCount: Int { kernel.columns }

    private let buffer: CodeBuffer

    /// The rows `(rowCount, columnCount)` at `values`; their codes go to `buffer`.
    init(
        _ values: UnsafeMutablePointer<Float>, rowCount: Int, columnCount: Int,
        buffer: CodeBuffer
    ) {
        self.buffer = buffer
        kernel = ck_activations(
            rows: rowCount, columns: columnCount, values: values, codes: buffer.codes,
            blocks: buffer.blocks)
    }

    /// Quantises one row.
    func quantise(row: Int, isa: ck_isa) {
        quantise(row: row, columns: 0..<columnCount, isa: isa)
    }

    /// Quantises a part of one row, from a multiple of 32 on. Columns beyond another one have no
    /// codes: only float weights, which read none, may have them.
    func quantise(row: Int, columns: Range<Int>, isa: ck_isa) {
        let width = Int(CK_BLOCK_COLUMNS)
        let panel = ck_panel_of(row, rowCount)
        let block = columns.lowerBound / width * panel.rows
        let first = panel.start * (columnCount / width) + block + row - panel.start
        ck_quantise(
            isa, kernel.values + row * columnCount + columns.lowerBound, columns.count,
            panel.rows, buffer.codes + first * width, buffer.blocks + first)
    }
}
