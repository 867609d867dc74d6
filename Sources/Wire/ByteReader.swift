// SPDX-License-Identifier: Apache-2.0

/// Reads a payload's fields in order and never past its end.
///
/// Integers are little-endian, as is every machine this runs on; section 1 of PROTOCOL.md.
struct ByteReader {
    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var remaining: Int { bytes.count - offset }

    mutating func u8() throws(WireError) -> UInt8 { try integer(UInt8.self) }
    mutating func u16() throws(WireError) -> UInt16 { try integer(UInt16.self) }
    mutating func u32() throws(WireError) -> UInt32 { try integer(UInt32.self) }
    mutating func u64() throws(WireError) -> UInt64 { try integer(UInt64.self) }
    mutating func f32() throws(WireError) -> Float { Float(bitPattern: try u32()) }

    private mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(
        _: T.Type
    ) throws(WireError) -> T {
        try require(MemoryLayout<T>.size)
        let start = offset
        offset += MemoryLayout<T>.size
        return bytes.withUnsafeBytes {
            T(littleEndian: $0.loadUnaligned(fromByteOffset: start, as: T.self))
        }
    }

    /// Throws unless `count` more bytes are there.
    func require(_ count: Int) throws(WireError) {
        guard count <= remaining else {
            throw .truncated(needed: count, available: remaining)
        }
    }

    mutating func rawBytes(_ count: Int) throws(WireError) -> [UInt8] {
        try require(count)
        defer { offset += count }
        return Array(bytes[offset..<offset + count])
    }

    /// `count` numbers by one copy; the caller has checked `count` against its limit.
    mutating func numbers<T: BitwiseCopyable>(_ count: Int) throws(WireError) -> [T] {
        let size = count * MemoryLayout<T>.size
        try require(size)
        let range = offset..<offset + size
        offset += size
        return [T](unsafeUninitializedCapacity: count) { buffer, initializedCount in
            bytes.withUnsafeBytes { source in
                UnsafeMutableRawBufferPointer(buffer).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: source[range]))
            }
            initializedCount = count
        }
    }

    mutating func text(_ field: String, limit: Int) throws(WireError) -> String {
        let length = Int(try u16())
        guard length <= limit else {
            throw .textTooLong(field: field, length: length, limit: limit)
        }
        guard let text = String(validating: try rawBytes(length), as: UTF8.self),
            !text.unicodeScalars.contains(where: isControl)
        else { throw .invalidText(field: field) }
        return text
    }

    /// A count of things of at least `size` bytes each: within its limit and the bytes left.
    func check(
        _ field: String, count: Int, limit: Int, size: Int
    ) throws(WireError) {
        guard count <= limit else {
            throw .countOverLimit(field: field, count: count, limit: limit)
        }
        try require(count * size)
    }

    mutating func reserved16(_ field: String) throws(WireError) {
        guard try u16() == 0 else { throw .reservedNotZero(field: field) }
    }

    func finish() throws(WireError) {
        guard remaining == 0 else { throw .trailingBytes(count: remaining) }
    }
}

/// The characters no text on the wire may hold: they could drive the terminal that shows it.
func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
}

extension WireError {
    /// Throws `.invalidValue` unless `value` is in `range`.
    static func check<T: Comparable>(
        _ field: String, _ value: T, in range: ClosedRange<T>
    ) throws(WireError) {
        guard range.contains(value) else {
            throw .invalidValue(field: field, value: "\(value)")
        }
    }
}
