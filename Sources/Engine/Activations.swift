// SPDX-License-Identifier: Apache-2.0

import CKernels

/// Rows that are about to be multiplied with weights: as f32, and quantised where they are to be.
struct Activations {
    let kernel: ck_activations
    var rowCount: Int { kernel.rows }
    var columnCount: Int { kernel.columns }

    /// The rows `(rowCount, columnCount)` at `values`; their codes go to the scratch's buffers.
    init(
        _ values: UnsafeMutablePointer<Float>, rowCount: Int, columnCount: Int, scratch: Scratch
    ) {
        kernel = ck_activations(
            rows: rowCount, columns: columnCount, values: values, codes: scratch.codes,
            blocks: scratch.blocks)
    }

    /// Quantises one row. Columns beyond a multiple of 32 have no codes: only float weights,
    /// which read none, may have them.
    func quantise(row: Int, isa: ck_isa, scratch: Scratch) {
        let blocks = columnCount / 32
        ck_quantise(
            isa, kernel.values + row * columnCount, columnCount, scratch.codes + row * columnCount,
            scratch.blocks + row * blocks)
    }
}
