// SPDX-License-Identifier: Apache-2.0

import CKernels

/// Rows that are about to be multiplied with weights: as f32, and quantised where they are to be.
struct Activations {
    let kernel: ck_activations
    var rowCount: Int { kernel.rows }
    var columnCount: Int { kernel.columns }

    private let codes: UnsafeMutablePointer<Int8>
    private let blocks: UnsafeMutablePointer<ck_block>

    /// The rows `(rowCount, columnCount)` at `values`; their codes go to the scratch's buffers.
    init(
        _ values: UnsafeMutablePointer<Float>, rowCount: Int, columnCount: Int, scratch: Scratch
    ) {
        self.init(
            values, rowCount: rowCount, columnCount: columnCount, codes: scratch.codes,
            blocks: scratch.blocks)
    }

    init(
        _ values: UnsafeMutablePointer<Float>, rowCount: Int, columnCount: Int,
        codes: UnsafeMutablePointer<Int8>, blocks: UnsafeMutablePointer<ck_block>
    ) {
        self.codes = codes
        self.blocks = blocks
        kernel = ck_activations(
            rows: rowCount, columns: columnCount, values: values, codes: codes, blocks: blocks)
    }

    /// Quantises one row. Columns beyond a multiple of 32 have no codes: only float weights,
    /// which read none, may have them.
    func quantise(row: Int, isa: ck_isa) {
        let blockCount = columnCount / Int(CK_BLOCK_COLUMNS)
        let panel = ck_panel_of(row, rowCount)
        let first = panel.start * blockCount + row - panel.start
        ck_quantise(
            isa, kernel.values + row * columnCount, columnCount, panel.rows,
            codes + first * Int(CK_BLOCK_COLUMNS), blocks + first)
    }
}
