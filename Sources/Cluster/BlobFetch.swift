// SPDX-License-Identifier: Apache-2.0

import Platform
package import Wire

/// Brings the blobs of an assignment together: from a model file on this machine, from the cache,
/// and the others shipped.
///
/// It asks for no more than it has room for (`windowByteCount`), which is what bounds a worker's
/// memory when its disk is slower than the link.
package final class BlobFetch {
    package enum Progress {
        /// Not complete; these, if any, are to be asked for now.
        case asking([BlobRequest])
        /// Every blob is in `held`.
        case complete
    }

    let assignment: Assignment
    package private(set) var shippedBytes: UInt64 = 0
    package private(set) var held: [BlobDigest: HeldBlob] = [:]
    private let cache: BlobCache
    private var model: LocalModel?
    /// What is packed and in memory is neither looked for nor read.
    private let kept: [BlobDigest: HeldBlob]
    private let pieceByteCount: Int
    private let windowByteCount: Int
    /// At hand, but not hashed since this process started on the assignment.
    private var unchecked: [BlobDescription] = []
    /// Not as the model file's digests said.
    private var distrusted: Set<BlobDigest> = []
    private var missing: ArraySlice<BlobDescription> = []
    private var incoming: [IncomingBlob] = []
    private var underWayByteCount: UInt64 = 0

    package init(
        assignment: Assignment, cache: BlobCache, model: LocalModel? = nil,
        kept: [BlobDigest: HeldBlob] = [:],
        pieceByteCount: Int = ClusterLimits.shippingPieceBytes,
        windowByteCount: Int = ClusterLimits.shippingWindowBytes
    ) {
        self.assignment = assignment
        self.cache = cache
        self.model = model
        self.kept = kept
        held = kept
        self.pieceByteCount = pieceByteCount
        self.windowByteCount = windowByteCount
    }

    /// Looks for every blob, and begins to ask for those that are missing.
    package func start() throws -> Progress {
        for blob in assignment.blobs where held[blob.digest] == nil {
            if let found = try find(blob) {
                held[blob.digest] = found
                unchecked.append(blob)
            } else if !missing.contains(where: { $0.digest == blob.digest }) {
                missing.append(blob)
            }
        }
        try cache.makeRoom(for: Array(missing), keeping: assignment.blobs)
        return try proceed()
    }

    private func find(_ blob: BlobDescription) throws -> HeldBlob? {
        if !distrusted.contains(blob.digest), let found = model?.blob(blob.digest) {
            let held = HeldBlob.inModel(found)
            if (try? held.tensors(blob)) != nil { return held }
        }
        return try cache.open(blob).map { .cached($0) }
    }

    /// Hashes what was found on disk, on `threadCount` threads, while the caller packs it; leaves
    /// off when `isPointless` says so.
    func check(
        threadCount: Int, unless isPointless: @escaping @Sendable () -> Bool
    ) -> BlobCheck {
        defer { unchecked = [] }
        let found = unchecked.compactMap { blob in held[blob.digest].map { (blob, $0) } }
        return BlobCheck(found, threadCount: threadCount, unless: isPointless)
    }

    /// Removes the blobs that the check found damaged, and asks for them.
    func replace(_ damaged: [BlobDescription]) throws -> Progress {
        for blob in damaged {
            switch held.removeValue(forKey: blob.digest) {
            case .cached?: cache.discard(blob, reason: "its hash is another")
            case .inModel?:
                distrusted.insert(blob.digest)
                model?.distrust(blob.digest)
            case nil: break
            }
        }
        return try start()
    }

    /// Does without the model file from now on: what was found in it is asked for.
    func letGoOfModel() throws -> Progress {
        model = nil
        held = held.filter { digest, blob in
            if kept[digest] == nil, case .inModel = blob { false } else { true }
        }
        unchecked.removeAll { held[$0.digest] == nil }
        return try start()
    }

    /// Takes a chunk that came for this fetch's epoch; one of another blob is ignored.
    package func take(_ chunk: BlobChunk) throws -> Progress {
        guard let index = incoming.firstIndex(where: { $0.blob.digest == chunk.digest }) else {
            return .asking([])
        }
        let blob = incoming[index]
        try blob.append(chunk)
        let count = UInt64(chunk.bytes.count)
        shippedBytes += count
        underWayByteCount -= min(count, underWayByteCount)
        if blob.isComplete, try complete(blob) { incoming.remove(at: index) }
        return try proceed()
    }

    /// Asks for as much as there is room for.
    private func proceed() throws -> Progress {
        var requests: [BlobRequest] = []
        while underWayByteCount + UInt64(pieceByteCount) <= UInt64(windowByteCount) {
            if let blob = incoming.first(where: { !$0.isAsked }) {
                let request = blob.ask(atMost: pieceByteCount)
                underWayByteCount += request.count
                requests.append(request)
            } else if let next = missing.popFirst() {
                let blob = try IncomingBlob(next, in: cache)
                if try !blob.isComplete || !complete(blob) { incoming.append(blob) }
            } else {
                break
            }
        }
        return incoming.isEmpty && missing.isEmpty ? .complete : .asking(requests)
    }

    /// Takes a blob whose last byte has come. False where it is damaged and begins anew.
    private func complete(_ blob: IncomingBlob) throws -> Bool {
        let name = blob.blob.digest.hexadecimal
        guard try blob.isIntact() else {
            guard blob.resumedByteCount > 0 else {
                blob.discard()
                throw ShippingError.wrongHash(name)
            }
            Log.warning("what an earlier start left of blob \(name) is damaged; shipping it anew")
            try blob.restart()
            return false
        }
        held[blob.blob.digest] = .cached(try blob.commit())
        return true
    }
}
