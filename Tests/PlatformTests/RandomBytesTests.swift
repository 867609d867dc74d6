// SPDX-License-Identifier: Apache-2.0

import Platform
import Testing

struct RandomBytesTests {
    /// The first words of the reference implementation of SplitMix64 (Vigna) for this seed.
    @Test func referenceWords() {
        let bytes = RandomBytes.make(count: 24, seed: 1_234_567)
        let words = stride(from: 0, to: 24, by: 8).map { start in
            (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[start + $1]) << UInt64(8 * $1) }
        }
        let expected: [UInt64] = [
            6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
        ]
        #expect(words == expected)
        #expect(RandomBytes.word(seed: 1_234_567) == expected[0])
    }

    @Test(arguments: [0, 1, 7, 8, 9, 1_000])
    func anyLengthIsABeginning(count: Int) {
        let long = RandomBytes.make(count: 1_008, seed: 9)
        #expect(RandomBytes.make(count: count, seed: 9) == Array(long[..<count]))
    }
}
