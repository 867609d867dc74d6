// SPDX-License-Identifier: Apache-2.0

import CKernels
import Model

/// A weight matrix and where its product with the present rows goes.
///
/// It does not keep the weights: threads that work on it side by side would count references to
/// them all the time, each waiting for the other's cache line.
struct Product {
    let weights: ck_matrix
    let type: ElementType
    let groupCount: Int
    /// (rows, stride)
    let out: UnsafeMutablePointer<Float>
    let stride: Int
    /// Adds to what is there.
    let accumulate: Bool

    /// Groups that a thread takes are a multiple of this: columns of whole blocks, which it can
    /// quantise for what follows.
    static let groupUnit = 2

    /// The same for this product with so many rows. Tiles of a float product are always the same
    /// ones, whoever takes them: else one run's last bits would differ from another's.
    func groupUnit(rowCount: Int) -> Int {
        FloatProduct.isUsed(type: type, rowCount: rowCount)
            ? FloatProduct.tileGroups : Self.groupUnit
    }

    init(
        _ matrix: PackedMatrix, out: UnsafeMutablePointer<Float>, stride: Int,
        accumulate: Bool = false
    ) {
        self.init(
            matrix.kernel, type: matrix.type, out: out, stride: stride, accumulate: accumulate)
    }

    init(
        _ weights: ck_matrix, type: ElementType, out: UnsafeMutablePointer<Float>, stride: Int,
        accumulate: Bool = false
    ) {
        self.weights = weights
        self.type = type
        groupCount = (weights.rows + Int(CK_GROUP_ROWS) - 1) / Int(CK_GROUP_ROWS)
        self.out = out
        self.stride = stride
        self.accumulate = accumulate
    }

    fileprivate func unitCount(_ unit: Int) -> Int { (groupCount + unit - 1) / unit }

    /// The part that some groups of weight rows make; `tile` is the thread's, see `FloatProduct`.
    func multiply(
        _ rows: Activations, groups: Range<Int>, isa: ck_isa, tile: UnsafeMutablePointer<Float>
    ) {
        var weights = weights
        if FloatProduct.isUsed(type: type, rowCount: rows.rowCount) {
            FloatProduct.multiply(
                isa: isa, weights: weights, rows: rows, groups: groups, out: out, stride: stride,
                accumulate: accumulate, tile: tile)
        } else {
            var activations = rows.kernel
            ck_multiply(
                isa, &weights, &activations, groups.lowerBound, groups.upperBound, out, stride,
                accumulate)
        }
    }
}

extension StageEngine {
    /// Multiplies the rows with each matrix, all groups of all matrices in one loop of the team;
    /// `next` is read afterwards.
    func multiply(_ rows: Activations, _ products: [Product], next: ReadAhead.Spans?) {
        let unit = products.reduce(1) { max($0, $1.groupUnit(rowCount: rows.rowCount)) }
        let total = products.reduce(0) { $0 + $1.unitCount(unit) }
        products.withUnsafeBufferPointer { products in
            team.split(total, next: next) { range, thread in
                var start = 0
                for product in products {
                    let end = start + product.unitCount(unit)
                    let units = range.clamped(to: start..<end)
                    if !units.isEmpty {
                        let last = min(product.groupCount, (units.upperBound - start) * unit)
                        multiply(
                            rows, product, groups: (units.lowerBound - start) * unit..<last,
                            thread: thread)
                    }
                    start = end
                }
            }
        }
    }

    /// The part of a product that some groups of weight rows make.
    func multiply(_ rows: Activations, _ product: Product, groups: Range<Int>, thread: Int) {
        product.multiply(
            rows, groups: groups, isa: isa.code,
            tile: scratch.tiles + thread * scratch.tileCount)
    }
}
