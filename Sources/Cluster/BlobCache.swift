// SPDX-License-Identifier: Apache-2.0

package import Platform
package import Wire

/// A worker's content-addressed store of blobs on disk: one file each, named by its SHA-256.
package struct BlobCache: Sendable {
    package let directory: String

    package init(directory: String) throws(FileError) {
        self.directory = directory
        try FileSystem.makeDirectory(directory)
    }

    /// Maps the blob after checking size and hash; nil when it is not there, or was damaged and
    /// has been removed.
    package func open(_ blob: BlobDescription) throws(FileError) -> MappedFile? {
        let path = path(of: blob.digest)
        guard FileSystem.exists(path) else { return nil }
        let file = try MappedFile(path: path)
        if file.byteCount == Int(blob.byteCount), digest(of: file) == blob.digest.bytes {
            return file
        }
        Log.warning("blob \(path) is damaged; removing it, it will be shipped again")
        FileSystem.remove(path)
        return nil
    }

    package func path(of digest: BlobDigest) -> String { directory + "/" + digest.hexadecimal }

    private func digest(of file: MappedFile) -> [UInt8] {
        var hash = SHA256()
        let windowBytes = 8 << 20
        for start in stride(from: 0, to: file.byteCount, by: windowBytes) {
            let window = start..<min(start + windowBytes, file.byteCount)
            file.withUnsafeBytes(window) { hash.update($0) }
            file.release(window)
        }
        return hash.finish()
    }
}

/// A blob on its way into the cache, hashed while it comes.
final class IncomingBlob {
    let blob: BlobDescription
    private var file: StagedFile
    private var hash = SHA256()

    /// Starts anew under a temporary name of this process's own, so that two workers that share a
    /// cache never write to one file.
    init(_ blob: BlobDescription, in cache: BlobCache, owner: String) throws(FileError) {
        self.blob = blob
        file = try StagedFile(
            finalPath: cache.path(of: blob.digest), suffix: ".\(owner).part", resuming: false)
    }

    var nextOffset: UInt64 { UInt64(file.byteCount) }
    var isComplete: Bool { nextOffset == blob.byteCount }

    /// Takes the next run of bytes. The chunk must continue exactly where the last one ended.
    func append(_ chunk: BlobChunk) throws {
        guard chunk.offset == nextOffset, !chunk.bytes.isEmpty,
            UInt64(chunk.bytes.count) <= blob.byteCount - nextOffset
        else {
            throw ShippingError.outOfOrder(expected: nextOffset, got: chunk.offset)
        }
        try file.append(chunk.bytes)
        hash.update(chunk.bytes)
    }

    /// Checks the hash, gives the blob its name and maps it.
    ///
    /// Mapped before it has its name: another worker that shares the cache can't take it away.
    func commit() throws -> MappedFile {
        guard hash.finish() == blob.digest.bytes else {
            throw ShippingError.wrongHash(blob.digest.hexadecimal)
        }
        let mapped = try MappedFile(path: file.temporaryPath)
        try file.commit()
        return mapped
    }
}

/// Why a blob could not be received or loaded.
package enum ShippingError: Error, Equatable, CustomStringConvertible {
    case outOfOrder(expected: UInt64, got: UInt64)
    case wrongHash(String)
    case unloadable(String)
    case tooLarge(needBytes: Int?, budgetBytes: Int)
    case notInBlob(tensor: String)

    package var description: String {
        switch self {
        case .outOfOrder(let expected, let got):
            "a blob chunk came for offset \(got) where \(expected) was expected"
        case .wrongHash(let name):
            "blob \(name) arrived with another hash; the model file may have changed: "
                + "restart the coordinator"
        case .unloadable(let what): "the assignment is impossible: \(what)"
        case .tooLarge(let need, let budget):
            "the assignment needs \(need.map(String.init) ?? "countless") bytes for its KV cache "
                + "and this worker offers \(budget); raise --memory"
        case .notInBlob(let tensor): "tensor \(tensor) lies outside its blob"
        }
    }
}

extension BlobDigest {
    package var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(64)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}

extension NodeID {
    /// Both halves without padding: unique enough for a file's name.
    var hexadecimal: String { String(high, radix: 16) + String(low, radix: 16) }
}
