// SPDX-License-Identifier: Apache-2.0

import CKernels
import COpenBLAS
package import Model

/// Products of many rows with float weights, by OpenBLAS on tiles widened to f32.
///
/// The one place where a result is not bit-identical between batches and machines, but equal within
/// a tolerance: OpenBLAS orders its sums as it likes. Everything else goes through `ck_multiply`.
package enum FloatProduct {
    /// From so many rows on, float weights take this path; with fewer their results are the same
    /// bits everywhere, so it is one number for all instruction sets. Widening a tile, and packing
    /// it once more, only pays with many rows: a Cascade Lake multiplies 32 rows 1.6 times as fast
    /// by its own kernels with AVX-512, 1.2 times with AVX2, where 64 rows take as long either way.
    package static let rowCountMin = 64
    /// Packed groups of one tile, and its weight rows.
    static let tileGroups = 4
    static let tileRows = tileGroups * Int(CK_GROUP_ROWS)

    /// Whether weights of `type` take this path in a step of `rowCount` rows.
    package static func isUsed(type: ElementType, rowCount: Int) -> Bool {
        !type.isQuantised && rowCount >= rowCountMin
    }

    /// The compute team does the threading.
    static func useOneThread() { openblas_set_num_threads(1) }

    /// As `ck_multiply`, of whole tiles but for a matrix's last one, with a buffer of
    /// `columns * tileRows` floats of this thread's own.
    static func multiply(
        isa: ck_isa, weights: ck_matrix, rows: Activations, groups: Range<Int>,
        out: UnsafeMutablePointer<Float>, stride: Int, accumulate: Bool,
        tile: UnsafeMutablePointer<Float>
    ) {
        var weights = weights
        for first in Swift.stride(from: groups.lowerBound, to: groups.upperBound, by: tileGroups) {
            let count = min(tileGroups, groups.upperBound - first)
            ck_widen_groups(isa, &weights, first, count, tile)
            let width = min(count * 16, weights.rows - first * 16)
            cblas_sgemm(
                CblasRowMajor, CblasNoTrans, CblasNoTrans, numericCast(rows.rowCount),
                numericCast(width), numericCast(rows.columnCount), 1, rows.kernel.values,
                numericCast(rows.columnCount), tile, numericCast(count * 16), accumulate ? 1 : 0,
                out + first * 16, numericCast(stride))
        }
    }
}
