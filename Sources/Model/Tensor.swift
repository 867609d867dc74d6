// SPDX-License-Identifier: Apache-2.0

package import Platform

/// One tensor as it lies in a mapped file.
package struct Tensor: Sendable {
    package let name: String
    package let type: ElementType
    /// Innermost dimension first, as GGUF writes it: a weight matrix is `[columns, rows]`.
    package let shape: [Int]
    /// Exactly `type.byteCount(of: shape)` bytes.
    package let region: FileRegion

    package init(name: String, type: ElementType, shape: [Int], region: FileRegion) {
        self.name = name
        self.type = type
        self.shape = shape
        self.region = region
    }

    package var elementCount: Int { shape.reduce(1, *) }

    package var byteCount: Int { region.byteCount }
}
