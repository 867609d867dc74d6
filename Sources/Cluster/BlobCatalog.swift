// SPDX-License-Identifier: Apache-2.0

import Control
import Model
import Platform
import Wire

/// A model's blobs with their digests: what the coordinator has to offer, and what a worker finds
/// in a model file of its own.
struct BlobCatalog: Sendable {
    private let plan: BlobPlan
    private let descriptions: [String: BlobDescription]
    private let byDigest: [BlobDigest: Blob]
    private let indexDirectory: String

    /// Takes the digests from the index in `indexDirectory` or else hashes every blob of `plan`,
    /// `threadCount` at a time, which reads the model file once. Throws when it can't be read, and
    /// `HashingStopped` at the next blob after `isStopped` says so.
    init(
        _ plan: BlobPlan, indexDirectory: String, threadCount: Int,
        unless isStopped: @escaping @Sendable () -> Bool = { false }
    ) throws {
        let index = DigestIndex(directory: indexDirectory, plan: plan)
        let digests =
            if let kept = index.read() { kept } else {
                try Self.hash(plan, for: index, threadCount: threadCount, unless: isStopped)
            }
        var descriptions: [String: BlobDescription] = [:]
        var byDigest: [BlobDigest: Blob] = [:]
        for (blob, digest) in zip(plan.all, digests) {
            descriptions[blob.name] = BlobDescription(blob, digest)
            byDigest[digest] = blob
        }
        self.plan = plan
        self.descriptions = descriptions
        self.byDigest = byDigest
        self.indexDirectory = indexDirectory
    }

    private static func hash(
        _ plan: BlobPlan, for index: DigestIndex, threadCount: Int,
        unless isStopped: @escaping @Sendable () -> Bool
    ) throws -> [BlobDigest] {
        // What the disk takes minutes to read, nobody should have to guess.
        let byteCount = plan.all.reduce(0) { $0 + $1.byteCount }
        Log.info(
            "hashing \(plan.embedding.files.first?.path ?? "the model"), "
                + "\(ByteCount(UInt64(byteCount))); this is done once for a file")
        let results = concurrentMap(plan.all, threadCount: threadCount) { blob in
            Result<[UInt8], any Error> {
                if isStopped() { throw HashingStopped() }
                return try blob.digest()
            }
        }
        var digests: [BlobDigest] = []
        for result in results {
            guard let digest = BlobDigest(try result.get()) else {
                preconditionFailure("SHA-256 has 32 bytes")
            }
            digests.append(digest)
        }
        index.write(digests)
        return digests
    }

    func blobs(forLayers layers: Range<Int>) -> [BlobDescription] {
        plan.blobs(forLayers: layers).compactMap { descriptions[$0.name] }
    }

    func blob(_ digest: BlobDigest) -> Blob? { byDigest[digest] }

    /// Whether the model file was written to since it was opened.
    var hasChanged: Bool { plan.all.contains { $0.files.contains(where: \.hasChanged) } }

    /// Makes the next start hash the model file anew.
    func forget() { DigestIndex(directory: indexDirectory, plan: plan).remove() }
}

extension BlobDescription {
    init(_ blob: Blob, _ digest: BlobDigest) {
        self.init(
            digest: digest, byteCount: UInt64(blob.byteCount),
            tensors: blob.entries.map { entry in
                TensorDescription(
                    name: entry.tensor.name, type: entry.tensor.type.rawValue,
                    shape: entry.tensor.shape.map(UInt64.init), offset: UInt64(entry.offset))
            })
    }
}
