// SPDX-License-Identifier: Apache-2.0

/// Random words that nobody can guess, from the operating system.
package enum Randomness {
    /// 64 random bits; the standard library's generator reads `getrandom(2)` on Linux.
    package static func word() -> UInt64 {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }
}
