// SPDX-License-Identifier: Apache-2.0

import Cluster
import Foundation
import Platform
import TestSupport
import Testing
import Wire

struct BlobCacheTests {
    /// 4,097 bytes take two pages of a disk, and as much of what the cache may have.
    @Test(arguments: [(12_300, false), (16_384, true)])
    func aBlobCountsForWholePages(byteCountMax: Int, staysBeside: Bool) throws {
        let directory = try TemporaryDirectory()
        let old = try directory.write(
            [UInt8](repeating: 1, count: 8192), to: String(repeating: "a", count: 64))
        let cache = BlobCache(directory: directory.path, byteCountMax: byteCountMax)
        let digest = try #require(BlobDigest([UInt8](repeating: 7, count: 32)))
        let coming = BlobDescription(digest: digest, byteCount: 4097, tensors: [])
        try cache.makeRoom(for: [coming], keeping: [coming])
        #expect(FileSystem.exists(old) == staysBeside)
    }

    /// What another worker is being shipped has room of its own; what one has left is taken up.
    @Test(arguments: [true, false]) func onlyWhatCanBeTakenUpIsThere(isWritten: Bool) throws {
        let directory = try TemporaryDirectory()
        let old = try directory.write(
            [UInt8](repeating: 1, count: 8192), to: String(repeating: "a", count: 64))
        let cache = BlobCache(directory: directory.path, byteCountMax: 16_384)
        let digest = try #require(BlobDigest([UInt8](repeating: 7, count: 32)))
        let coming = BlobDescription(digest: digest, byteCount: 8192, tensors: [])
        var part = try PartFile(finalPath: cache.path(of: digest))
        try part.append([UInt8](repeating: 2, count: 8192))
        if isWritten {
            try cache.makeRoom(for: [coming], keeping: [coming])
            // Its end is that of the lock.
            #expect(part.byteCount == 8192)
        } else {
            close(consume part)
            try cache.makeRoom(for: [coming], keeping: [coming])
        }
        #expect(FileSystem.exists(old) == !isWritten)
    }

    /// By the file, which had another name when it came.
    @Test func whatIsUsedIsYoung() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write([1], to: "blob")
        func age() throws -> Int64 {
            try #require(try FileSystem.entries(of: directory.path).first).modifiedNanoseconds
        }
        let file = try MappedFile(path: path)
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1000)], ofItemAtPath: path)
        try FileManager.default.moveItem(atPath: path, toPath: path + "s")
        #expect(try age() == 1_000_000_000_000)
        file.mark(asUsed: true)
        #expect(try age() > 1_000_000_000_000)
    }

    private func close(_ part: consuming PartFile) { _ = consume part }
}
