// SPDX-License-Identifier: Apache-2.0

import CKernels

/// Activations in fewer bits; every instruction set gives the same.
extension KernelISA {
    /// IEEE 754 half precision, rounded to the nearest, ties to even.
    package func narrow(_ values: [Float]) -> [UInt16] {
        [UInt16](unsafeUninitializedCapacity: values.count) { buffer, count in
            if let out = buffer.baseAddress { ck_narrow_f16(code, values, values.count, out) }
            count = values.count
        }
    }

    package func widen(_ halves: [UInt16]) -> [Float] {
        [Float](unsafeUninitializedCapacity: halves.count) { buffer, count in
            if let out = buffer.baseAddress { ck_widen_f16(code, halves, halves.count, out) }
            count = halves.count
        }
    }

    /// Blocks of 32 codes in -127...127 with a scale each; `values` must be whole blocks.
    package func quantise(_ values: [Float]) -> (scales: [Float], codes: [Int8]) {
        precondition(values.count % CK_BLOCK_COLUMNS == 0, "whole blocks only")
        var blocks = [ck_block](
            repeating: ck_block(), count: values.count / CK_BLOCK_COLUMNS)
        let codes = [Int8](unsafeUninitializedCapacity: values.count) { buffer, count in
            if let out = buffer.baseAddress {
                ck_quantise(code, values, values.count, 1, out, &blocks)
            }
            count = values.count
        }
        return (blocks.map { $0.scale }, codes)
    }

    /// Codes times the scales of their blocks, one multiplication each.
    package static func dequantise(scales: [Float], codes: [Int8]) -> [Float] {
        let length = Int(CK_BLOCK_COLUMNS)
        precondition(scales.count * length == codes.count, "a scale for each block")
        return [Float](unsafeUninitializedCapacity: codes.count) { buffer, count in
            for index in codes.indices {
                buffer[index] = scales[index / length] * Float(codes[index])
            }
            count = codes.count
        }
    }
}
