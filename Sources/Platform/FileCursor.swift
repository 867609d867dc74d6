// SPDX-License-Identifier: Apache-2.0

/// Reads little-endian values from a mapped file one after another, never past its end.
///
/// Every read checks what is left first, so a length taken from the file cannot lead outside it.
package struct FileCursor: Sendable {
    package let file: MappedFile
    package private(set) var offset: Int

    package init(file: MappedFile, offset: Int = 0) {
        precondition(offset >= 0 && offset <= file.byteCount)
        self.file = file
        self.offset = offset
    }

    package var remainingByteCount: Int { file.byteCount - offset }

    package mutating func uint8() throws(FileCursorError) -> UInt8 { try integer() }
    package mutating func uint16() throws(FileCursorError) -> UInt16 { try integer() }
    package mutating func uint32() throws(FileCursorError) -> UInt32 { try integer() }
    package mutating func uint64() throws(FileCursorError) -> UInt64 { try integer() }

    /// The next `count` bytes.
    package mutating func bytes(_ count: UInt64) throws(FileCursorError) -> [UInt8] {
        let range = try advance(count)
        return file.withUnsafeBytes(range) { [UInt8]($0) }
    }

    /// The next `count` bytes as text; bytes that are not UTF-8 become U+FFFD.
    package mutating func text(_ count: UInt64) throws(FileCursorError) -> String {
        let range = try advance(count)
        return file.withUnsafeBytes(range) { String(decoding: $0, as: UTF8.self) }
    }

    /// Steps over `count` bytes and returns where they lie.
    package mutating func advance(_ count: UInt64) throws(FileCursorError) -> Range<Int> {
        guard count <= UInt64(remainingByteCount) else {
            throw FileCursorError(
                offset: offset, neededByteCount: count, remainingByteCount: remainingByteCount)
        }
        let start = offset
        offset += Int(count)
        return start..<offset
    }

    private mutating func integer<T: FixedWidthInteger & BitwiseCopyable>()
        throws(FileCursorError) -> T
    {
        let range = try advance(UInt64(MemoryLayout<T>.size))
        return file.withUnsafeBytes(range) { T(littleEndian: $0.loadUnaligned(as: T.self)) }
    }
}

/// A read would have gone past the end of the file.
package struct FileCursorError: Error, Equatable {
    package let offset: Int
    package let neededByteCount: UInt64
    package let remainingByteCount: Int

    package init(offset: Int, neededByteCount: UInt64, remainingByteCount: Int) {
        self.offset = offset
        self.neededByteCount = neededByteCount
        self.remainingByteCount = remainingByteCount
    }
}
