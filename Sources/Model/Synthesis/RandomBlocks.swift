// SPDX-License-Identifier: Apache-2.0

import Platform

/// Random tensor data of one element type: valid blocks whose values have a given spread.
///
/// Random bytes are right for quants as they are. What must not be arbitrary, the scales and
/// minima and the upper halves of floats, is overwritten from tables of 16-bit numbers; an entry
/// is chosen by the random bits that lie there.
struct RandomBlocks: Sendable {
    private let type: ElementType
    private let patches: [Patch]

    /// Two bytes at `offset` of each block that come from `table`.
    private struct Patch {
        let offset: Int
        let table: [UInt16]
    }

    private static let tableCount = 1 << 12

    /// Values of about the standard deviation `deviation` around `mean`, which only floats heed.
    init(type: ElementType, deviation: Float, mean: Float = 0) {
        self.type = type
        switch type {
        case .f32:
            // The lower half of each element stays random.
            patches = [Patch(offset: 2, table: Self.uniform(deviation, mean, Self.upperHalf))]
        case .bf16:
            patches = [Patch(offset: 0, table: Self.uniform(deviation, mean, Self.upperHalf))]
        case .f16:
            patches = [Patch(offset: 0, table: Self.uniform(deviation, mean, Self.half))]
        case .q4_0: patches = Self.scale(deviation, levelCount: 16)
        case .q4_1: patches = Self.scaleAndMinimum(deviation, levelCount: 16)
        case .q5_0: patches = Self.scale(deviation, levelCount: 32)
        case .q5_1: patches = Self.scaleAndMinimum(deviation, levelCount: 32)
        case .q8_0: patches = Self.scale(deviation, levelCount: 255)
        // The standard deviation of the type's sixteen levels.
        case .iq4_NL: patches = Self.scale(deviation, codeDeviation: 67.2)
        case .q2_K:
            patches = Self.subScaled(deviation, at: 80, scaleLevels: 16, codeLevels: 4)
        case .q4_K:
            patches = Self.subScaled(deviation, at: 0, scaleLevels: 64, codeLevels: 16)
        case .q5_K:
            patches = Self.subScaled(deviation, at: 0, scaleLevels: 64, codeLevels: 32)
        // Products of a signed sub-scale and a signed code: 6 and 3 bits, 8 and 6 bits.
        case .q3_K: patches = Self.scale(deviation, at: 108, codeDeviation: 43.3)
        case .q6_K: patches = Self.scale(deviation, at: 208, codeDeviation: 1_365.7)
        default: preconditionFailure("\(type.name) is not supported")
        }
    }

    /// The same bytes for the same arguments.
    func bytes(blockCount: Int, seed: UInt64) -> [UInt8] {
        let stride = type.blockByteCount
        var bytes = RandomBytes.make(count: blockCount * stride, seed: seed)
        // Quantisers never write -128.
        if type == .q8_0 {
            for index in bytes.indices { bytes[index] |= bytes[index] == 0x80 ? 1 : 0 }
        }
        // The last first: the first patch's place holds the bits that choose for all of them.
        for patch in patches.reversed() {
            Self.apply(patch, choosingAt: patches[0].offset, stride: stride, to: &bytes)
        }
        return bytes
    }

    private static func apply(
        _ patch: Patch, choosingAt choice: Int, stride: Int, to bytes: inout [UInt8]
    ) {
        let table = patch.table
        for start in Swift.stride(from: 0, to: bytes.count, by: stride) {
            let bits = Int(bytes[start + choice]) | Int(bytes[start + choice + 1]) << 8
            let value = table[bits % tableCount]
            bytes[start + patch.offset] = UInt8(truncatingIfNeeded: value)
            bytes[start + patch.offset + 1] = UInt8(truncatingIfNeeded: value >> 8)
        }
    }

    /// Evenly spread over `mean` ± √3 · `deviation`.
    private static func uniform(
        _ deviation: Float, _ mean: Float, _ code: (Float) -> UInt16
    ) -> [UInt16] {
        (0..<tableCount).map { index in
            let fraction = (Float(index) + 0.5) / Float(tableCount)
            return code(mean + deviation * Float(3).squareRoot() * (2 * fraction - 1))
        }
    }

    /// Evenly spread levels have the standard deviation `levelCount` / √12.
    private static func scale(_ deviation: Float, levelCount: Float) -> [Patch] {
        scale(deviation, codeDeviation: levelCount / Float(12).squareRoot())
    }

    /// A scale for codes that have the standard deviation `codeDeviation` themselves.
    private static func scale(
        _ deviation: Float, at offset: Int = 0, codeDeviation: Float
    ) -> [Patch] {
        let centre = deviation / codeDeviation
        return [Patch(offset: offset, table: uniform(centre / 7, centre, half))]
    }

    /// The same with a minimum that puts the middle level at zero.
    private static func scaleAndMinimum(_ deviation: Float, levelCount: Float) -> [Patch] {
        let scale = scale(deviation, levelCount: levelCount)
        let minima = scale[0].table.map { bits in
            half(-Float(Float16(bitPattern: bits)) * (levelCount - 1) / 2)
        }
        return scale + [Patch(offset: 2, table: minima)]
    }

    /// The scales of a K type with minima: value = scale · s · code - minimum · m, with s and m
    /// below `scaleLevels`. The minimum is such that the mean is zero.
    private static func subScaled(
        _ deviation: Float, at offset: Int, scaleLevels: Float, codeLevels: Float
    ) -> [Patch] {
        func mean(_ levels: Float) -> Float { (levels - 1) / 2 }
        func variance(_ levels: Float) -> Float { (levels * levels - 1) / 12 }
        func square(_ levels: Float) -> Float { variance(levels) + mean(levels) * mean(levels) }
        let factor = mean(codeLevels)
        let middle = mean(scaleLevels) * factor
        let product = square(scaleLevels) * square(codeLevels) - middle * middle
        let spread = (product + factor * factor * variance(scaleLevels)).squareRoot()
        let scale = scale(deviation, at: offset, codeDeviation: spread)
        let minima = scale[0].table.map { half(Float(Float16(bitPattern: $0)) * factor) }
        return scale + [Patch(offset: offset + 2, table: minima)]
    }

    private static func half(_ value: Float) -> UInt16 { Float16(value).bitPattern }

    private static func upperHalf(_ value: Float) -> UInt16 {
        UInt16(truncatingIfNeeded: value.bitPattern >> 16)
    }
}
