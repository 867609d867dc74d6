// SPDX-License-Identifier: Apache-2.0

import CKernels

/// A weight matrix and where its product with the present rows goes.
struct Product {
    let matrix: PackedMatrix
    /// (rows, stride)
    let out: UnsafeMutablePointer<Float>
    let stride: Int
    /// Adds to what is there.
    var accumulate = false
}

extension StageEngine {
    /// Multiplies the rows with each matrix, all groups of all matrices in one loop of the team;
    /// `next` is read afterwards.
    func multiply(_ rows: Activations, _ products: [Product], next: ReadAhead.Spans?) {
        let total = products.reduce(0) { $0 + $1.matrix.groupCount }
        team.split(total, next: next) { range, thread in
            var start = 0
            for product in products {
                let groups = range.clamped(to: start..<start + product.matrix.groupCount)
                if !groups.isEmpty {
                    multiply(
                        rows, product,
                        groups: groups.lowerBound - start..<groups.upperBound - start,
                        thread: thread)
                }
                start += product.matrix.groupCount
            }
        }
    }

    /// The part of a product that some groups of weight rows make.
    func multiply(_ rows: Activations, _ product: Product, groups: Range<Int>, thread: Int) {
        let matrix = product.matrix
        if FloatProduct.isUsed(type: matrix.type, rowCount: rows.rowCount) {
            FloatProduct.multiply(
                isa: isa.code, matrix: matrix, rows: rows, groups: groups, out: product.out,
                stride: product.stride, accumulate: product.accumulate,
                tile: scratch.tiles + thread * scratch.tileCount)
        } else {
            var weights = matrix.kernel
            var activations = rows.kernel
            ck_multiply(
                isa.code, &weights, &activations, groups.lowerBound, groups.upperBound,
                product.out, product.stride, product.accumulate)
        }
    }
}
