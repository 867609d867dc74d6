// SPDX-License-Identifier: Apache-2.0

package import Platform
package import Wire

/// Brings the blobs of an assignment together: those in the cache once their hash is right, the
/// others shipped one after another.
package final class BlobFetch {
    package enum Progress {
        /// The current blob is not complete.
        case more
        /// A blob is complete; this one is to be asked for next.
        case request(BlobRequest)
        /// Every blob is in `files`.
        case complete
    }

    let assignment: Assignment
    package private(set) var shippedBytes: UInt64 = 0
    /// The blobs so far, each verified.
    package private(set) var files: [BlobDigest: MappedFile] = [:]
    private let cache: BlobCache
    private let owner: String
    private var remaining: ArraySlice<BlobDescription>
    private var incoming: IncomingBlob?

    /// `owner` makes temporary names unique among the workers that share the cache.
    package init(assignment: Assignment, cache: BlobCache, owner: String) {
        self.assignment = assignment
        self.cache = cache
        self.owner = owner
        remaining = assignment.blobs[...]
    }

    /// Starts on the next blob that is missing or damaged; nil when none is.
    package func nextRequest() throws -> BlobRequest? {
        incoming = nil
        while let blob = remaining.popFirst() {
            guard files[blob.digest] == nil else { continue }
            if let file = try cache.open(blob) {
                files[blob.digest] = file
                continue
            }
            incoming = try IncomingBlob(blob, in: cache, owner: owner)
            return BlobRequest(digest: blob.digest, offset: 0)
        }
        return nil
    }

    /// Takes a chunk that came for this fetch's epoch; one of another blob is ignored.
    package func take(_ chunk: BlobChunk) throws -> Progress {
        guard let incoming, incoming.blob.digest == chunk.digest else { return .more }
        try incoming.append(chunk)
        shippedBytes += UInt64(chunk.bytes.count)
        guard incoming.isComplete else { return .more }
        files[chunk.digest] = try incoming.commit()
        return try nextRequest().map { .request($0) } ?? .complete
    }
}
