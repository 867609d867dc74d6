// SPDX-License-Identifier: Apache-2.0

package import Model

/// Random tensor data of any element type, as valid blocks with a given spread.
package enum RandomWeights {
    /// Bytes of `count` elements of about the standard deviation `deviation`.
    package static func bytes(
        _ type: ElementType, count: Int, deviation: Float, mean: Float = 0,
        using random: inout SeededRandom
    ) -> [UInt8] {
        var out: [UInt8] = []
        for _ in 0..<count / type.blockElementCount {
            let value = mean + random.unit() * deviation
            switch type {
            case .f32: out.append(littleEndian: value.bitPattern)
            case .f16: out.append(littleEndian: Float16(value).bitPattern)
            case .bf16: out.append(littleEndian: UInt16(value.bitPattern >> 16))
            case .q2_K, .q3_K, .q4_K, .q5_K, .q6_K:
                superBlock(type, deviation: deviation, to: &out, using: &random)
            default: block(type, deviation: deviation, to: &out, using: &random)
            }
        }
        return out
    }

    /// One block: a scale, for the `_1` types a minimum, then random quants of every value.
    private static func block(
        _ type: ElementType, deviation: Float, to out: inout [UInt8],
        using random: inout SeededRandom
    ) {
        let levelCount: Float =
            switch type {
            case .q4_0, .q4_1: 16
            // Not uniform: the values' standard deviation is 70.
            case .iq4_NL: 70 * Float(12).squareRoot()
            case .q5_0, .q5_1: 32
            default: 256
            }
        // Uniform levels have the standard deviation levelCount / √12.
        let spread = deviation * Float(12).squareRoot() / levelCount
        let scale = spread * (1 + 0.25 * random.unit())
        out.append(littleEndian: Float16(scale).bitPattern)
        if type == .q4_1 || type == .q5_1 {
            out.append(littleEndian: Float16(-scale * (levelCount - 1) / 2).bitPattern)
        }
        let filled = type == .q4_1 || type == .q5_1 ? 4 : 2
        for _ in filled..<type.blockByteCount {
            let byte = UInt8(truncatingIfNeeded: random.next())
            // Quantisers never write -128.
            out.append(littleEndian: type == .q8_0 && byte == 0x80 ? 0x81 : byte)
        }
    }

    /// One super-block of a K type: random codes and sub-blocks' scales, under f16 scales for the
    /// spread.
    private static func superBlock(
        _ type: ElementType, deviation: Float, to out: inout [UInt8],
        using random: inout SeededRandom
    ) {
        // Where the f16 scale is, the spread of scale · code, and the mean of the codes times that
        // of the scales over the mean of the minima where there are any.
        let (start, spread, minimum): (Int, Float, Float?) =
            switch type {
            case .q2_K: (80, 13, 1.5)
            case .q3_K: (108, 42, nil)
            case .q4_K: (0, 340, 7.5)
            case .q5_K: (0, 700, 15.5)
            default: (208, 1_370, nil)
            }
        var block = (0..<type.blockByteCount).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        let scale = deviation / spread * (1 + 0.25 * random.unit())
        var numbers = [Float16(scale)]
        if let minimum { numbers.append(Float16(scale * minimum)) }
        for (index, number) in numbers.enumerated() {
            block[start + 2 * index] = UInt8(truncatingIfNeeded: number.bitPattern)
            block[start + 2 * index + 1] = UInt8(truncatingIfNeeded: number.bitPattern >> 8)
        }
        out += block
    }
}
