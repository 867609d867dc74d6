// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The lines of standard input or another open file, one after another.
package struct LineInput {
    private static let blockBytes = 16 << 10

    private let descriptor: Int32
    private let lineBytesMax: Int
    private var bytes: [UInt8] = []
    /// Of `bytes`, what was already looked through for a line's end.
    private var searchedCount = 0
    private var isAtEnd = false

    package static func standardInput(lineBytesMax: Int) -> LineInput {
        LineInput(descriptor: STDIN_FILENO, lineBytesMax: lineBytesMax)
    }

    /// `descriptor` stays its owner's to close.
    package init(descriptor: Int32, lineBytesMax: Int) {
        self.descriptor = descriptor
        self.lineBytesMax = lineBytesMax
    }

    /// The next line without its end, `\n` or `\r\n`; nil after the last. The last one may lack its
    /// end. Bytes that are not UTF-8 become U+FFFD.
    package mutating func next() throws(LineInputError) -> String? {
        while true {
            if let end = bytes[searchedCount...].firstIndex(of: UInt8(ascii: "\n")) {
                guard end <= lineBytesMax else { throw .lineTooLong(limit: lineBytesMax) }
                return take(end, dropping: 1)
            }
            searchedCount = bytes.count
            guard bytes.count <= lineBytesMax else { throw .lineTooLong(limit: lineBytesMax) }
            guard !isAtEnd else { return bytes.isEmpty ? nil : take(bytes.count, dropping: 0) }
            try readMore()
        }
    }

    private mutating func take(_ count: Int, dropping endCount: Int) -> String {
        var line = bytes[..<count]
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        defer {
            bytes.removeFirst(count + endCount)
            searchedCount = 0
        }
        return String(decoding: line, as: UTF8.self)
    }

    private mutating func readMore() throws(LineInputError) {
        var block = [UInt8](repeating: 0, count: Self.blockBytes)
        var got = Glibc.read(descriptor, &block, block.count)
        while got < 0, errno == EINTR { got = Glibc.read(descriptor, &block, block.count) }
        guard got >= 0 else { throw .unreadable(errno: errno) }
        isAtEnd = got == 0
        bytes += block.prefix(got)
    }
}

/// Why there is no next line.
package enum LineInputError: Error, Equatable, CustomStringConvertible {
    case lineTooLong(limit: Int)
    case unreadable(errno: Int32)

    package var description: String {
        switch self {
        case .lineTooLong(let limit):
            "a line of the input is longer than \(limit) bytes; break it into shorter ones"
        case .unreadable(let errno):
            "cannot read the input: \(systemMessage(errno)); check what it comes from"
        }
    }
}
