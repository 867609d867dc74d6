// SPDX-License-Identifier: Apache-2.0

/// Bounds on what is believed of a GGUF file before anything is allocated for it.
///
/// The format sets hardly any; these stand well above every published model.
enum GGUFLimits {
    /// The specification's bound.
    static let keyByteCountMax: UInt64 = 65_535
    static let tensorNameByteCountMax: UInt64 = 255
    /// Least bytes of a metadata entry: key length, one byte of key, type, one byte of value.
    static let metadataEntryByteCountMin: UInt64 = 8 + 1 + 4 + 1
    /// Least bytes of a tensor entry: name length, one byte of name, dimension count, one
    /// dimension, type, offset.
    static let tensorEntryByteCountMin: UInt64 = 8 + 1 + 4 + 8 + 4 + 8
    static let metadataEntryCountMax: UInt64 = 1 << 16
    static let tensorCountMax: UInt64 = 1 << 18
    /// Elements of all arrays of a file together.
    static let arrayElementCountMax: UInt64 = 1 << 23
    /// Bytes of all texts among the values of a file together.
    static let textByteCountMax: UInt64 = 1 << 28
    static let arrayDepthMax = 4
    static let dimensionCountMax = 4
    static let alignmentDefault = 32
    static let alignmentMax = 1 << 20
}
