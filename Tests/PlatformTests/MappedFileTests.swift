// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import Platform
import Testing

struct MappedFileTests {
    /// Runs `body` with the path of a file of these bytes and removes the file.
    private func withFile(_ bytes: [UInt8], _ body: (String) throws -> Void) throws {
        let name = "caravan-test-\(UInt64.random(in: 0 ... .max))"
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(name).path
        try Data(bytes).write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    @Test func bytesAreTheFiles() throws {
        let bytes = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        try withFile(bytes) { path in
            let file = try MappedFile(path: path)
            #expect(file.byteCount == bytes.count)
            #expect(file.identity.byteCount == UInt64(bytes.count))
            #expect(file.withUnsafeBytes(100..<9_000) { [UInt8]($0) } == Array(bytes[100..<9_000]))
            file.release(0..<bytes.count)
            #expect(file.withUnsafeBytes(0..<bytes.count) { [UInt8]($0) } == bytes)
        }
    }

    @Test func anEmptyFileMapsToNothing() throws {
        try withFile([]) { path in
            let file = try MappedFile(path: path)
            #expect(file.byteCount == 0)
            #expect(file.withUnsafeBytes(0..<0) { $0.count } == 0)
        }
    }

    @Test func whatIsNoFileIsRefused() {
        #expect(throws: FileError.cannotOpen(path: "/nonexistent", errno: 2)) {
            try MappedFile(path: "/nonexistent")
        }
        #expect(throws: FileError.notARegularFile(path: "/tmp")) {
            try MappedFile(path: "/tmp")
        }
        #expect(throws: FileError.notARegularFile(path: "/dev/null")) {
            try MappedFile(path: "/dev/null")
        }
    }

    @Test func theCursorStopsAtTheEnd() throws {
        try withFile([1, 2, 3, 4, 5, 6, 7, 8, 9, 0x61, 0xFF]) { path in
            var cursor = FileCursor(file: try MappedFile(path: path))
            #expect(try cursor.uint8() == 1)
            #expect(try cursor.uint16() == 0x0302)
            #expect(try cursor.uint32() == 0x0706_0504)
            #expect(
                throws: FileCursorError(offset: 7, neededByteCount: 8, remainingByteCount: 4)
            ) { try cursor.uint64() }
            #expect(
                throws: FileCursorError(offset: 7, neededByteCount: .max, remainingByteCount: 4)
            ) { try cursor.bytes(.max) }
            #expect(try cursor.bytes(2) == [8, 9], "a failed read moves nothing")
            #expect(try cursor.text(2) == "a\u{FFFD}")
            #expect(cursor.remainingByteCount == 0)
            #expect(try cursor.bytes(0) == [])
        }
    }

    /// What is removed as damaged, or taken for unreachable, is not so for want of a descriptor.
    @Test func shortagesAreKnownFromFaults() {
        for number in [EMFILE, ENFILE, ENOMEM] {
            #expect(FileError.cannotOpen(path: "a", errno: number).isShortage)
            #expect(FileError.cannotMap(path: "a", errno: number).isShortage)
            #expect(SocketError.cannotConnect(address: "a", errno: number).isShortage)
        }
        #expect(!FileError.cannotOpen(path: "a", errno: EACCES).isShortage)
        #expect(!FileError.notARegularFile(path: "a").isShortage)
        #expect(!SocketError.cannotConnect(address: "a", errno: ECONNREFUSED).isShortage)
    }
}
