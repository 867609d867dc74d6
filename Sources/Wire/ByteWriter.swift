// SPDX-License-Identifier: Apache-2.0

/// Appends fields to one buffer that was reserved at its exact size.
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    init(byteCount: Int) {
        bytes.reserveCapacity(byteCount)
    }

    mutating func u8(_ value: UInt8) { bytes.append(value) }
    mutating func u16(_ value: UInt16) { integer(value) }
    mutating func u32(_ value: UInt32) { integer(value) }
    mutating func u64(_ value: UInt64) { integer(value) }
    mutating func f32(_ value: Float) { integer(value.bitPattern) }
    mutating func rawBytes(_ value: [UInt8]) { bytes.append(contentsOf: value) }

    private mutating func integer(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func numbers<T: BitwiseCopyable>(_ values: [T]) {
        values.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    /// Text longer than its limit is a programmer's error: what people type is checked earlier.
    mutating func text(_ value: String, limit: Int) {
        let count = value.utf8.count
        precondition(count <= limit, "a text of \(count) bytes is over its limit of \(limit)")
        u16(UInt16(count))
        bytes.append(contentsOf: value.utf8)
    }

    /// Overwrites four bytes at `offset`.
    mutating func patch(_ value: UInt32, at offset: Int) {
        for index in 0..<4 {
            bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt32(index)))
        }
    }
}

/// Bytes `text` takes on the wire.
func byteCount(ofText text: String) -> Int { 2 + text.utf8.count }

/// Prose cut to what a message may have, at a character's end, its control characters as spaces.
func sendable(_ message: String) -> String {
    var text = String.UnicodeScalarView()
    var byteCount = 0
    for scalar in message.unicodeScalars {
        let next = isControl(scalar) ? " " : scalar
        byteCount += UTF8.width(next)
        if byteCount > Limits.messageBytesMax { break }
        text.append(next)
    }
    return String(text)
}
