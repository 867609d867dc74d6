// SPDX-License-Identifier: Apache-2.0

import CKernels
import Engine
import Testing

struct ReadBandwidthTests {
    @Test func everyWordIsRead() {
        let words = (0..<1_024).map { UInt64($0) &* 0x9E37_79B9_7F4A_7C15 }
        let aligned = UnsafeMutableRawBufferPointer.allocate(byteCount: 8_192, alignment: 64)
        defer { aligned.deallocate() }
        words.withUnsafeBytes { aligned.copyMemory(from: $0) }
        for count in [128, 256, 1_024] {
            let sum = words[..<count].reduce(0, &+)
            // A quarter of the bytes is a whole number of 64-byte vectors.
            #expect(ck_read(aligned.baseAddress, count * 8) == sum)
        }
    }

    @Test(arguments: [1, 2])
    func somethingIsMeasured(threads: Int) throws {
        let rate = try ReadBandwidth.measure(threadCount: threads, byteCount: 8 << 20)
        // Between a floppy disk and any memory built so far.
        #expect(rate > 1e6 && rate < 1e14)
    }
}
