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
    case q2_K = 10
    case q3_K = 11
    case q4_K = 12
    case q5_K = 13
    case q6_K = 14
    case iq4_NL = 20
    case bf16 = 30

    /// Elements that share one block of storage.
    package var blockElementCount: Int {
        switch self {
        case .f32, .f16, .bf16: 1
        case .q4_0, .q4_1, .q5_0, .q5_1, .q8_0, .iq4_NL: 32
        case .q2_K, .q3_K, .q4_K, .q5_K, .q6_K: 256
        }
    }

    package var blockByteCount: Int {
        switch self {
        case .f32: 4
        case .f16, .bf16: 2
        case .q4_0, .iq4_NL: 18
        case .q4_1: 20
        case .q5_0: 22
        case .q5_1: 24
        case .q8_0: 34
        case .q2_K: 84
        case .q3_K: 110
        case .q4_K: 144
        case .q5_K: 176
        case .q6_K: 210
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
        case .q2_K: "Q2_K"
        case .q3_K: "Q3_K"
        case .q4_K: "Q4_K"
        case .q5_K: "Q5_K"
        case .q6_K: "Q6_K"
        case .iq4_NL: "IQ4_NL"
        }
    }

    package var isQuantised: Bool { blockElementCount > 1 }

    /// Bytes of `shape`; nil where the innermost dimension is no whole number of blocks, a
    /// dimension is below 1, or a product overflows.
    package func byteCount(of shape: [Int]) -> Int? {
        guard let row = shape.first, row > 0, row % blockElementCount == 0 else { return nil }
        var count = row / blockElementCount
        for factor in shape.dropFirst() + [blockByteCount] {
            let (product, overflow) = count.multipliedReportingOverflow(by: factor)
            guard factor > 0, !overflow else { return nil }
            count = product
        }
        // Elements must be countable as well: blocks can be smaller than their elements' number.
        let elements = shape.reduce((1, false)) { sum, factor in
            let (product, overflow) = sum.0.multipliedReportingOverflow(by: factor)
            return (product, sum.1 || overflow)
        }
        return elements.1 ? nil : count
    }

    /// GGUF's name of any element type, supported here or not, for messages.
    static func knownName(of number: UInt32) -> String {
        if let type = ElementType(rawValue: number) { return type.name }
        let names: [UInt32: String] = [
            9: "Q8_1", 15: "Q8_K",
            16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 21: "IQ3_S",
            22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64",
            29: "IQ1_M", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4", 40: "NVFP4",
        ]
        return names[number] ?? "number \(number)"
    }
}
