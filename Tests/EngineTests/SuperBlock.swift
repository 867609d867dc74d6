// SPDX-License-Identifier: Apache-2.0

import Model

/// A super-block of a K type as ggml defines it, weight by weight.
struct SuperBlock {
    let type: ElementType
    let bytes: [UInt8]

    init(type: ElementType, bytes: ArraySlice<UInt8>) {
        self.type = type
        self.bytes = Array(bytes)
    }

    func value(_ index: Int) -> Double {
        let block = index / 32
        let place = index % 32
        switch type {
        case .q2_K:
            let scales = Int(bytes[index / 16])
            let code = bits(16 + index / 128 * 32 + place, 2 * (block % 4), 2)
            return half(80) * Double(scales & 15) * Double(code) - half(82) * Double(scales >> 4)
        case .q3_K:
            let low = bits(32 + index / 128 * 32 + place, 2 * (block % 4), 2)
            let code = low + 4 * bits(place, block, 1) - 4
            return half(108) * Double(scaleOfQ3(index / 16)) * Double(code)
        case .q4_K:
            return value(code: bits(16 + block / 2 * 32 + place, block % 2 * 4, 4), block: block)
        case .q5_K:
            let low = bits(48 + block / 2 * 32 + place, block % 2 * 4, 4)
            return value(code: low + 16 * bits(16 + place, block, 1), block: block)
        default:
            let nibble = index / 128 * 64 + index % 64
            let low = bits(nibble, index % 128 / 64 * 4, 4)
            let high = bits(128 + index / 128 * 32 + place, 2 * (block % 4), 2)
            let scale = Double(Int8(bitPattern: bytes[192 + index / 16]))
            return half(208) * scale * Double(low + 16 * high - 32)
        }
    }

    private func value(code: Int, block: Int) -> Double {
        let scale: Int
        let minimum: Int
        if block < 4 {
            scale = bits(4 + block, 0, 6)
            minimum = bits(8 + block, 0, 6)
        } else {
            scale = bits(8 + block, 0, 4) + 16 * bits(block, 6, 2)
            minimum = bits(8 + block, 4, 4) + 16 * bits(4 + block, 6, 2)
        }
        return half(0) * Double(scale) * Double(code) - half(2) * Double(minimum)
    }

    private func scaleOfQ3(_ index: Int) -> Int {
        let low = bits(96 + index % 8, index / 8 * 4, 4)
        return low + 16 * bits(104 + index % 4, index / 4 * 2, 2) - 32
    }

    private func bits(_ byte: Int, _ shift: Int, _ count: Int) -> Int {
        Int(bytes[byte]) >> shift & ((1 << count) - 1)
    }

    private func half(_ at: Int) -> Double {
        Double(Float16(bitPattern: UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8))
    }
}
