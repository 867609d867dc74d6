// SPDX-License-Identifier: Apache-2.0

/// The largest vocabulary that is read; the packed merge table depends on these.
package enum TokenizerLimits {
    /// An id takes 20 bits of a merge table's entry.
    static let tokenCountMax = 1 << 20
    /// A rank takes 24 bits; the last one marks an empty entry.
    static let mergeCountMax = 1 << 24 - 1
    /// Offsets into the bytes of all tokens are 32 bits wide.
    static let vocabularyByteCountMax = 1 << 30
    /// Symbols are counted in 32 bits while a text is being tokenised.
    package static let textByteCountMax = 1 << 31 - 2
}
