// SPDX-License-Identifier: Apache-2.0

/// Pseudo-random bytes that are the same for the same seed everywhere, some gigabytes a second.
///
/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014). Not for
/// secrets.
package enum RandomBytes {
    package static func make(count: Int, seed: UInt64) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: (count + 7) / 8 * 8) { buffer, initialisedCount in
            let bytes = UnsafeMutableRawBufferPointer(buffer)
            var state = seed
            for offset in stride(from: 0, to: count, by: 8) {
                state &+= 0x9E37_79B9_7F4A_7C15
                bytes.storeBytes(
                    of: mixed(state).littleEndian, toByteOffset: offset, as: UInt64.self)
            }
            initialisedCount = count
        }
    }

    /// One word that depends on all bits of `seed`.
    package static func word(seed: UInt64) -> UInt64 { mixed(seed &+ 0x9E37_79B9_7F4A_7C15) }

    private static func mixed(_ state: UInt64) -> UInt64 {
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
