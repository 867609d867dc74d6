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
}

/// How elements are stored; raw values are GGUF's numbers.
///
/// Source: the GGUF specification (ggml, docs/gguf.md), enum `ggml_type`.
package enum ElementType: UInt32, Sendable, CaseIterable {
    case f32 = 0
    case f16 = 1
    case q4_0 = 2
    case q4_1 = 3
    case q5_0 = 6
    case q5_1 = 7
    case q8_0 = 8
    case bf16 = 30

    /// Elements that share one block of storage.
    package var blockElementCount: Int {
        switch self {
        case .f32, .f16, .bf16: 1
        case .q4_0, .q4_1, .q5_0, .q5_1, .q8_0: 32
        }
    }

    package var blockByteCount: Int {
        switch self {
        case .f32: 4
        case .f16, .bf16: 2
        case .q4_0: 18
        case .q4_1: 20
        case .q5_0: 22
        case .q5_1: 24
        case .q8_0: 34
        }
    }

    package var name: String {
        switch self {
        case .f32: "F32"
        case .f16: "F16"
        case .bf16: "BF16"
        case .q4_0: "Q4_0"
        case .q4_1: "Q4_1"
        case .q5_0: "Q5_0"
        case .q5_1: "Q5_1"
        case .q8_0: "Q8_0"
        }
    }

    package var isQuantised: Bool { blockElementCount > 1 }
}
