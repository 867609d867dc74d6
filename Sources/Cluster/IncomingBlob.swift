// SPDX-License-Identifier: Apache-2.0

import Platform
import Wire

/// A blob on its way into the cache, hashed while it comes.
final class IncomingBlob {
    /// Bytes of an earlier attempt that are hashed for each byte that comes, so that the hash
    /// catches up without holding the rest back.
    private static let catchUpFactor = 16

    let blob: BlobDescription
    private var file: PartFile
    private var hash = SHA256()
    private var hashedCount = 0
    private var askedEnd: UInt64
    /// Bytes found of an earlier attempt.
    private(set) var resumedByteCount: Int

    /// Takes up what an earlier attempt left, and sets room for the rest aside.
    init(_ blob: BlobDescription, in cache: BlobCache) throws(FileError) {
        self.blob = blob
        file = try PartFile(finalPath: cache.path(of: blob.digest))
        if file.byteCount > blob.byteCount { try file.restart() }
        resumedByteCount = file.byteCount
        askedEnd = UInt64(file.byteCount)
        do throws(FileError) {
            try file.reserve(byteCount: Int(blob.byteCount))
        } catch {
            if file.byteCount == 0 { file.discard() }
            throw error
        }
    }

    private var nextOffset: UInt64 { UInt64(file.byteCount) }
    var isComplete: Bool { nextOffset == blob.byteCount }
    /// Whether every byte has come or been asked for.
    var isAsked: Bool { askedEnd == blob.byteCount }

    /// The next bytes to ask for; there are some.
    func ask(atMost byteCount: Int) -> BlobRequest {
        precondition(!isAsked)
        let count = min(UInt64(byteCount), blob.byteCount - askedEnd)
        defer { askedEnd += count }
        return BlobRequest(digest: blob.digest, offset: askedEnd, count: count)
    }

    /// Takes the next run of bytes. The chunk must continue exactly where the last one ended.
    func append(_ chunk: BlobChunk) throws {
        guard chunk.offset == nextOffset, !chunk.bytes.isEmpty,
            UInt64(chunk.bytes.count) <= blob.byteCount - nextOffset
        else {
            throw ShippingError.outOfOrder(expected: nextOffset, got: chunk.offset)
        }
        let isCaughtUp = hashedCount == file.byteCount
        try file.append(chunk.bytes)
        if isCaughtUp {
            hash.update(chunk.bytes)
            hashedCount += chunk.bytes.count
        } else {
            try catchUp(atMost: Self.catchUpFactor * chunk.bytes.count)
        }
    }

    /// Whether the whole blob has the right hash. Once only.
    func isIntact() throws(FileError) -> Bool {
        try catchUp(atMost: .max)
        return hash.finish() == blob.digest.bytes
    }

    private func catchUp(atMost byteCount: Int) throws(FileError) {
        let end = hashedCount + min(byteCount, file.byteCount - hashedCount)
        try file.hash(hashedCount..<end, into: &hash)
        hashedCount = end
    }

    /// Begins anew from nothing; `isIntact` has been asked before.
    func restart() throws(FileError) {
        try file.restart()
        hashedCount = 0
        resumedByteCount = 0
        askedEnd = 0
    }

    /// Removes what has come.
    func discard() { file.discard() }

    /// Gives the blob its name and maps it.
    ///
    /// Mapped before it has its name: another worker that shares the cache can't take it away.
    func commit() throws(FileError) -> MappedFile {
        let mapped = try MappedFile(path: file.path)
        try file.commit()
        mapped.mark(asUsed: true)
        return mapped
    }
}
