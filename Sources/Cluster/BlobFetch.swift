// SPDX-License-Identifier: Apache-2.0

import Platform
import Wire

/// Brings the blobs of an assignment that the cache lacks, one after another.
final class BlobFetch {
    enum Progress {
        /// The current blob is not complete.
        case more
        /// A blob is complete; this one is to be asked for next.
        case request(BlobRequest)
        /// Everything is in the cache.
        case complete
    }

    let assignment: Assignment
    private(set) var shippedBytes: UInt64 = 0
    private let cache: BlobCache
    private let owner: String
    private var remaining: ArraySlice<BlobDescription>
    private var incoming: IncomingBlob?

    /// `owner` makes temporary names unique among the workers that share the cache.
    init(assignment: Assignment, cache: BlobCache, owner: String) {
        self.assignment = assignment
        self.cache = cache
        self.owner = owner
        remaining = assignment.blobs[...]
    }

    /// Starts on the next blob that is missing; nil when none is.
    func nextRequest() throws -> BlobRequest? {
        incoming = nil
        while let blob = remaining.popFirst() {
            guard !cache.holds(blob) else { continue }
            incoming = try IncomingBlob(blob, in: cache, owner: owner)
            return BlobRequest(digest: blob.digest, offset: 0)
        }
        return nil
    }

    func take(_ chunk: BlobChunk) throws -> Progress {
        // Chunks of a fetch that a newer plan has overtaken may still be under way.
        guard let incoming, incoming.blob.digest == chunk.digest else { return .more }
        try incoming.append(chunk)
        shippedBytes += UInt64(chunk.bytes.count)
        guard incoming.isComplete else { return .more }
        try incoming.commit()
        return try nextRequest().map { .request($0) } ?? .complete
    }
}
