// SPDX-License-Identifier: Apache-2.0

/// The random numbers of a sequence: a function of its seed and of how many tokens came before.
///
/// There is no state to lose: a sequence rebuilt after a failure draws what it would have drawn.
/// Source: the finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
package enum Draw {
    /// A number in `0..<1` with 53 random bits.
    package static func uniform(seed: UInt64, index: Int) -> Double {
        let counter = UInt64(truncatingIfNeeded: index) &* 0x9E37_79B9_7F4A_7C15
        let bits = mixed(mixed(seed &+ 0x9E37_79B9_7F4A_7C15) &+ counter)
        return Double(bits >> 11) * 0x1p-53
    }

    private static func mixed(_ value: UInt64) -> UInt64 {
        var value = value
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
