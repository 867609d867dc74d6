// SPDX-License-Identifier: Apache-2.0

import CKernels
import Testing

@Suite struct CRC32CTests {
    /// RFC 3720 appendix B.4, and the check value of the CRC catalogues.
    static let published: [([UInt8], UInt32)] = [
        ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
        ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
        ([UInt8](0..<32), 0x46DD_794E),
        ([UInt8]((0..<32).reversed()), 0x113F_DB5C),
        ([UInt8]("123456789".utf8), 0xE306_9283),
        ([], 0),
    ]

    @Test(arguments: published)
    func publishedValues(bytes: [UInt8], sum: UInt32) {
        #expect(ck_crc32c(0, bytes, bytes.count) == sum)
        #expect(ck_crc32c_portable(0, bytes, bytes.count) == sum)
    }

    /// Lengths on both sides of each unrolled loop's steps, from every alignment.
    @Test func bothPathsAgreeWithTheDefinition() {
        var generator = SplitMix64(seed: 1)
        let bytes = (0..<20_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
        for length in [0, 1, 7, 8, 9, 63, 2048, 6143, 6144, 6145, 12_288, 13_001, 18_433] {
            for start in 0..<8 {
                let part = Array(bytes[start..<start + length])
                let expected = bitwise(UInt32(start), part)
                bytes.withUnsafeBytes {
                    let address = $0.baseAddress?.advanced(by: start)
                    #expect(ck_crc32c(UInt32(start), address, length) == expected)
                    #expect(ck_crc32c_portable(UInt32(start), address, length) == expected)
                }
            }
        }
    }

    @Test func sumsContinue() {
        let bytes = [UInt8](0..<200)
        let whole = ck_crc32c(0, bytes, bytes.count)
        for cut in 0...bytes.count {
            let head = ck_crc32c(0, bytes, cut)
            let tail = Array(bytes[cut...])
            #expect(ck_crc32c(head, tail, tail.count) == whole)
        }
    }

    private func bitwise(_ sum: UInt32, _ bytes: [UInt8]) -> UInt32 {
        var state = ~sum
        for byte in bytes {
            state ^= UInt32(byte)
            for _ in 0..<8 { state = state >> 1 ^ (state & 1 == 0 ? 0 : 0x82F6_3B78) }
        }
        return ~state
    }
}
