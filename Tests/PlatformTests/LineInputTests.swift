// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Platform
import TestSupport
import Testing

struct LineInputTests {
    /// All lines of `bytes`, which come from a file.
    private func lines(_ bytes: [UInt8], lineBytesMax: Int = 100) throws -> [String] {
        let directory = try TemporaryDirectory()
        let handle = try #require(
            FileHandle(forReadingAtPath: try directory.write(bytes, to: "lines")))
        var input = LineInput(descriptor: handle.fileDescriptor, lineBytesMax: lineBytesMax)
        var lines: [String] = []
        while let line = try input.next() { lines.append(line) }
        #expect(try input.next() == nil)
        try handle.close()
        return lines
    }

    @Test func aLineTooLongIsRefused() throws {
        let text = Array("12345\n123456".utf8)
        #expect(throws: LineInputError.lineTooLong(limit: 5)) { try lines(text, lineBytesMax: 5) }
        #expect(throws: LineInputError.lineTooLong(limit: 5)) {
            try lines(text + [UInt8(ascii: "\n")], lineBytesMax: 5)
        }
        #expect(try lines(text, lineBytesMax: 6) == ["12345", "123456"])
    }

    @Test func whatCannotBeReadIsAnError() {
        var input = LineInput(descriptor: -1, lineBytesMax: 5)
        #expect(throws: LineInputError.unreadable(errno: EBADF)) { try input.next() }
    }

    @Test func linesEndAsOnAnySystem() throws {
        #expect(try lines([]) == [])
        #expect(try lines(Array("\n".utf8)) == [""])
        #expect(try lines(Array("a\n\r\nb\r\nc\r".utf8)) == ["a", "", "b", "c"])
        #expect(try lines([0x61, 0xFF, 0x0A]) == ["a\u{FFFD}"])
    }

    /// Longer than a block, and than a pipe holds.
    @Test func linesOverBlocks() throws {
        let long = String(repeating: "ä", count: 50_000)
        let text = "a\n\(long)\n\(long)"
        #expect(try lines(Array(text.utf8), lineBytesMax: 100_000) == ["a", long, long])
    }

    @Test func linesComeOneByOne() throws {
        let pipe = Pipe()
        var input = LineInput(
            descriptor: pipe.fileHandleForReading.fileDescriptor, lineBytesMax: 10)
        try pipe.fileHandleForWriting.write(contentsOf: Data("a\nb".utf8))
        #expect(try input.next() == "a")
        try pipe.fileHandleForWriting.write(contentsOf: Data("c\n".utf8))
        #expect(try input.next() == "bc")
        try pipe.fileHandleForWriting.close()
        #expect(try input.next() == nil)
    }
}
