// SPDX-License-Identifier: Apache-2.0

import Glibc
import Platform
import TestSupport
import Testing

struct PartFileTests {
    private let directory: TemporaryDirectory
    private let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.file("blob")
    }

    private func bytes(_ path: String) throws -> [UInt8] {
        let file = try MappedFile(path: path)
        return file.withUnsafeBytes(0..<file.byteCount) { Array($0) }
    }

    @Test func aPathThatCannotBeWrittenThrows() {
        #expect(throws: FileError.self) {
            _ = try PartFile(finalPath: directory.file("missing/blob"))
        }
    }

    @Test func aLinkIsNotFollowed() throws {
        let target = try directory.write([1], to: "target")
        try directory.link(target, as: "blob.part")
        #expect(throws: FileError.self) { _ = try PartFile(finalPath: path) }
        #expect(try bytes(target) == [1])
    }

    @Test func roomIsReservedOrRefused() throws {
        var file = try PartFile(finalPath: path)
        try file.reserve(byteCount: 1 << 16)
        #expect(file.byteCount == 0)
        var failure: FileError?
        // More than any disk has.
        do throws(FileError) { try file.reserve(byteCount: 1 << 62) } catch { failure = error }
        guard case .cannotWrite(path + ".part", _)? = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
    }

    @Test func theNextAttemptTakesUpWhatIsThere() throws {
        do {
            var file = try PartFile(finalPath: path)
            try file.append([1, 2, 3])
        }
        #expect(!FileSystem.exists(path))
        var file = try PartFile(finalPath: path)
        #expect(file.byteCount == 3)
        try file.append([4])
        var hash = SHA256()
        try file.hash(1..<4, into: &hash)
        var expected = SHA256()
        expected.update([2, 3, 4])
        #expect(hash.finish() == expected.finish())
        try file.commit()
        #expect(try bytes(path) == [1, 2, 3, 4])
        #expect(try FileSystem.entries(of: directory.path).map(\.name) == ["blob"])
    }

    @Test func twoWritersNeverShareAFile() throws {
        var first = try PartFile(finalPath: path)
        var second = try PartFile(finalPath: path)
        #expect(first.path != second.path)
        try first.append([1, 1])
        try second.append([2])
        #expect(try bytes(first.path) == [1, 1])
        #expect(try bytes(second.path) == [2])
        #expect(!FileSystem.removeUnused(first.path))
        try first.commit()
        // The first name is free again; the second writer goes on undisturbed.
        let third = try PartFile(finalPath: path)
        #expect(third.byteCount == 0)
        try second.append([2])
        try second.commit()
        #expect(try bytes(path) == [2, 2])
    }

    /// A descriptor that is none fails anywhere as all do on a file system without locks.
    @Test func withoutLocksNobodyElseIsBlamed() {
        let failure = FileError.cannotLock(path: path, errno: EBADF)
        #expect(throws: failure) { try PartFile.lock(-1, path: path) }
        #expect("\(failure)".contains("--cache"))
    }

    @Test func itCanBeginAnewAndBeRemoved() throws {
        var file = try PartFile(finalPath: path)
        try file.append([1, 2, 3])
        try file.restart()
        #expect(file.byteCount == 0)
        try file.append([9])
        #expect(try bytes(file.path) == [9])
        file.discard()
        #expect(try FileSystem.entries(of: directory.path) == [])
    }

    @Test func filesInUseAreNotRemoved() throws {
        try directory.write([1, 2], to: "used")
        do {
            let file = try MappedFile(path: directory.file("used"))
            file.mark(asUsed: true)
            #expect(!FileSystem.removeUnused(file.path))
        }
        #expect(FileSystem.removeUnused(directory.file("used")))
        #expect(!FileSystem.exists(directory.file("used")))
        #expect(FileSystem.removeUnused(directory.file("used")), "it is gone already")
    }

    @Test func directoriesThatCannotBeUsedThrow() throws {
        try directory.write([], to: "file")
        for name in ["file", "file/inside", "missing"] {
            let path = directory.file(name)
            #expect(throws: FileError.self) { try FileSystem.checkUsable(path) }
            #expect(throws: FileError.self) { try FileSystem.entries(of: path) }
        }
        try FileSystem.checkUsable(directory.path)
        let space = try #require(FileSystem.space(at: directory.path))
        #expect(space.byteCount > 0 && space.freeByteCount <= space.byteCount)
        #expect(FileSystem.space(at: directory.file("missing")) == nil)
    }
}
