// SPDX-License-Identifier: Apache-2.0

import Glibc
import Platform
import TestSupport
import Testing

struct StagedFileTests {
    private func bytes(_ path: String) throws -> [UInt8] {
        let file = try MappedFile(path: path)
        return file.withUnsafeBytes(0..<file.byteCount) { Array($0) }
    }

    @Test func hasItsNameOnlyWhenCommitted() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("blob")
        var file = try StagedFile(finalPath: path, suffix: ".part")
        try file.append([1, 2, 3])
        try file.append([4])
        #expect(file.byteCount == 4)
        #expect(!FileSystem.exists(path))
        #expect(FileSystem.exists(path + ".part"))
        try file.commit()
        #expect(!FileSystem.exists(path + ".part"))
        #expect(try bytes(path) == [1, 2, 3, 4])
    }

    @Test func whatIsGivenUpLeavesNothing() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("blob")
        do {
            var file = try StagedFile(finalPath: path, suffix: ".part")
            try file.append([1])
        }
        #expect(!FileSystem.exists(path))
        #expect(!FileSystem.exists(path + ".part"))
    }

    /// As where the writer is stuck: it can't do it itself.
    @Test func itIsRemovedUnderItsWriter() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("blob")
        let removal = StagedFileRemoval()
        var file = try StagedFile(finalPath: path, suffix: ".part", removal: removal)
        try file.append([1])
        removal.remove()
        #expect(!FileSystem.exists(path + ".part"))
        try file.append([2])
        #expect(throws: FileError.cannotWrite(path: path, errno: ENOENT)) {
            try file.commit()
        }
        #expect(try FileSystem.entries(of: directory.path) == [])
    }

    @Test func itIsRemovedThoughItComesLater() throws {
        let directory = try TemporaryDirectory()
        let removal = StagedFileRemoval()
        removal.remove()
        var file = try StagedFile(
            finalPath: directory.file("blob"), suffix: ".part", removal: removal)
        #expect(try FileSystem.entries(of: directory.path) == [])
        try file.append([1])
    }

    @Test func whatHasItsNameIsNotRemoved() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("blob")
        let removal = StagedFileRemoval()
        var file = try StagedFile(finalPath: path, suffix: ".part", removal: removal)
        try file.append([1])
        try file.commit()
        removal.remove()
        #expect(try bytes(path) == [1])
    }

    @Test func roomIsReservedOrRefused() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("blob")
        do {
            var file = try StagedFile(finalPath: path, suffix: ".part")
            try file.reserve(byteCount: 1 << 16)
            #expect(file.byteCount == 0)
            // More than any disk has.
            #expect(throws: FileError.self) { try Self.reserve(1 << 62, of: &file) }
        }
        #expect(!FileSystem.exists(path + ".part"))
    }

    private static func reserve(_ count: Int, of file: inout StagedFile) throws {
        try file.reserve(byteCount: count)
    }

    @Test func itStartsAnew() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write([9, 9, 9], to: "blob.part")
        let final = String(path.dropLast(5))
        var file = try StagedFile(finalPath: final, suffix: ".part")
        #expect(file.byteCount == 0)
        try file.append([1])
        try file.commit()
        #expect(try bytes(final) == [1])
    }

    @Test func aPathThatCannotBeWrittenThrows() throws {
        let directory = try TemporaryDirectory()
        #expect(throws: FileError.self) {
            let path = directory.file("missing/blob")
            _ = try StagedFile(finalPath: path, suffix: ".part")
        }
        try directory.write([], to: "file")
        #expect(throws: FileError.self) {
            try FileSystem.makeDirectory(directory.file("file/inside"))
        }
    }

    @Test func aFullDiskThrows() throws {
        // Every write to this device fails with "no space left". The link to it is removed after.
        let directory = try TemporaryDirectory()
        let path = directory.file("blob.part")
        try #require(symlink("/dev/full", path) == 0)
        var file = try StagedFile(finalPath: directory.file("blob"), suffix: ".part")
        #expect(throws: FileError.cannotWrite(path: path, errno: 28)) {
            try file.append([1])
        }
    }

    @Test func directoriesAreMadeWithTheirParents() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("a/b/c")
        try FileSystem.makeDirectory(path)
        try FileSystem.makeDirectory(path)
        #expect(FileSystem.exists(path))
        FileSystem.remove(try directory.write([1], to: "x"))
        #expect(FileSystem.byteCount(directory.file("x")) == nil)
    }
}
