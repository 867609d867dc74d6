// SPDX-License-Identifier: Apache-2.0

import CKernels
import Model

/// A random matrix as a GGUF file stores it, and its values by the formats' definition.
struct StoredMatrix {
    let type: ElementType
    let rows: Int
    let columns: Int
    let bytes: [UInt8]

    /// Float weights lie within ±amplitude, quantised ones mostly.
    init(
        type: ElementType, rows: Int, columns: Int, amplitude: Float = 1,
        random: inout RandomSource
    ) {
        self.type = type
        self.rows = rows
        self.columns = columns
        let count = rows * columns
        switch type {
        case .f32:
            bytes = random.floats(count, -amplitude...amplitude).flatMap {
                Self.littleEndian($0.bitPattern)
            }
        case .f16:
            bytes = random.floats(count, -amplitude...amplitude).flatMap {
                Self.littleEndian(Float16($0).bitPattern)
            }
        case .bf16:
            bytes = random.floats(count, -amplitude...amplitude).flatMap {
                Self.littleEndian(UInt16($0.bitPattern >> 16))
            }
        default:
            bytes = (0..<count / type.blockElementCount).flatMap { _ in
                Self.block(type, amplitude: amplitude, random: &random)
            }
        }
    }

    /// Random codes, with scales by which they reach the amplitude.
    private static func block(
        _ type: ElementType, amplitude: Float, random: inout RandomSource
    ) -> [UInt8] {
        var block = random.bytes(type.blockByteCount)
        let scale = amplitude / type.reach * random.floats(1, 0.5...1)[0]
        var numbers = [scale]
        if let minimum = type.minimum {
            numbers.append(scale * minimum * random.floats(1, 0.8...1.2)[0])
        }
        let bytes = numbers.flatMap { littleEndian(Float16($0).bitPattern) }
        block.replaceSubrange(type.scaleStart..<type.scaleStart + bytes.count, with: bytes)
        return block
    }

    init(type: ElementType, rows: Int, columns: Int, bytes: [UInt8]) {
        (self.type, self.rows, self.columns, self.bytes) = (type, rows, columns, bytes)
    }

    private static func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    /// The value of element `index`, row after row.
    func value(_ index: Int) -> Double {
        let start = index / type.blockElementCount * type.blockByteCount
        let inner = index % type.blockElementCount
        switch type {
        case .f32:
            let bits = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << (8 * $1) }
            return Double(Float(bitPattern: bits))
        case .f16: return half(start)
        case .bf16: return Double(Float(bitPattern: UInt32(word(start)) << 16))
        case .q8_0: return half(start) * Double(Int8(bitPattern: bytes[start + 2 + inner]))
        case .q4_0: return half(start) * Double(nibble(start + 2, inner) - 8)
        case .q4_1: return half(start) * Double(nibble(start + 4, inner)) + half(start + 2)
        case .q5_0:
            let code = nibble(start + 6, inner) + 16 * fifth(start + 2, inner)
            return half(start) * Double(code - 16)
        case .q5_1:
            let code = nibble(start + 8, inner) + 16 * fifth(start + 4, inner)
            return half(start) * Double(code) + half(start + 2)
        case .iq4_NL:
            return half(start) * Double(Self.nonLinear[nibble(start + 2, inner)])
        case .q2_K, .q3_K, .q4_K, .q5_K, .q6_K:
            return SuperBlock(type: type, bytes: bytes[start..<start + type.blockByteCount])
                .value(inner)
        default: preconditionFailure("\(type.name) is not supported")
        }
    }

    private static let nonLinear = [
        -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
    ]

    private func word(_ at: Int) -> UInt16 { UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8 }

    private func half(_ at: Int) -> Double { Double(Float16(bitPattern: word(at))) }

    private func nibble(_ at: Int, _ index: Int) -> Int {
        index < 16 ? Int(bytes[at + index] & 15) : Int(bytes[at + index - 16] >> 4)
    }

    private func fifth(_ at: Int, _ index: Int) -> Int {
        Int(bytes[at + index / 8] >> (index % 8)) & 1
    }

    var groupCount: Int { (rows + 15) / 16 }

    /// The kernels' layout; 64 bytes of it per 16 rows × 4 codes.
    func packed() -> [UInt8] {
        var out = [UInt8](
            repeating: 0xAA, count: groupCount * ck_group_bytes(type.rawValue, columns))
        // In two parts, as two threads would.
        let middle = groupCount / 2
        ck_pack(type.rawValue, bytes, rows, columns, 0, middle, &out)
        ck_pack(type.rawValue, bytes, rows, columns, middle, groupCount, &out)
        return out
    }

    /// The matrix in the kernels' layout, for the time of the call.
    func withPacked<R>(_ body: (ck_matrix) throws -> R) rethrows -> R {
        try packed().withUnsafeBytes { raw in
            try body(
                ck_matrix(
                    packed: raw.baseAddress, type: type.rawValue, rows: rows, columns: columns))
        }
    }
}
