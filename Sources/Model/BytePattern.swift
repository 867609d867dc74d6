// SPDX-License-Identifier: Apache-2.0

/// A text that is looked for byte by byte, each byte taken once (Knuth, Morris, Pratt, "Fast
/// Pattern Matching in Strings", 1977). UTF-8 texts found this way begin and end with characters.
package struct BytePattern {
    package let bytes: [UInt8]
    /// For each beginning, how long the longest shorter one is that it also ends with.
    private let borders: [Int]

    /// `bytes` are not empty.
    package init(_ bytes: [UInt8]) {
        precondition(!bytes.isEmpty)
        self.bytes = bytes
        var borders = [0]
        var length = 0
        for byte in bytes.dropFirst() {
            length = Self.next(after: length, byte, bytes, borders)
            borders.append(length)
        }
        self.borders = borders
    }

    /// How many of the pattern's first bytes a text ends with, when `byte` follows one that ended
    /// with `length` of them, but not with all.
    package func next(after length: Int, _ byte: UInt8) -> Int {
        Self.next(after: length, byte, bytes, borders)
    }

    private static func next(
        after length: Int, _ byte: UInt8, _ bytes: [UInt8], _ borders: [Int]
    ) -> Int {
        var length = length
        while length > 0, byte != bytes[length] { length = borders[length - 1] }
        return byte == bytes[length] ? length + 1 : length
    }
}
