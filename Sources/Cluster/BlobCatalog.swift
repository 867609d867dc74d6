// SPDX-License-Identifier: Apache-2.0

import Model
import Platform
import Wire

/// The model's blobs with their digests: what the coordinator has to offer.
struct BlobCatalog: Sendable {
    private let plan: BlobPlan
    private let descriptions: [String: BlobDescription]
    private let byDigest: [BlobDigest: Blob]

    /// Hashes every blob of `plan`, `threadCount` at a time; reads the model file once.
    init(_ plan: BlobPlan, threadCount: Int) {
        let blobs = plan.all
        let digests = concurrentMap(blobs, threadCount: threadCount) { blob in
            digest(of: blob)
        }
        var descriptions: [String: BlobDescription] = [:]
        var byDigest: [BlobDigest: Blob] = [:]
        for (blob, digest) in zip(blobs, digests) {
            descriptions[blob.name] = BlobDescription(blob, digest)
            byDigest[digest] = blob
        }
        self.plan = plan
        self.descriptions = descriptions
        self.byDigest = byDigest
    }

    func blobs(forLayers layers: Range<Int>) -> [BlobDescription] {
        plan.blobs(forLayers: layers).compactMap { descriptions[$0.name] }
    }

    func blob(_ digest: BlobDigest) -> Blob? { byDigest[digest] }
}

private func digest(of blob: Blob) -> BlobDigest {
    var hash = SHA256()
    for offset in stride(from: 0, to: blob.byteCount, by: Limits.blobChunkBytesMax) {
        let count = min(Limits.blobChunkBytesMax, blob.byteCount - offset)
        hash.update(blob.copyBytes(offset: offset, count: count))
    }
    blob.release()
    guard let digest = BlobDigest(hash.finish()) else {
        preconditionFailure("SHA-256 has 32 bytes")
    }
    return digest
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

    /// The blob's tensors inside the mapped blob file, every bound checked.
    func tensors(in file: MappedFile) throws -> [Tensor] {
        try tensors.map { entry in
            let shape = entry.shape.compactMap(Int.init(exactly:))
            guard let type = ElementType(rawValue: entry.type), shape.count == entry.shape.count,
                let byteCount = type.byteCount(of: shape),
                let start = Int(exactly: entry.offset), start <= file.byteCount,
                byteCount <= file.byteCount - start
            else { throw ShippingError.notInBlob(tensor: entry.name) }
            return Tensor(
                name: entry.name, type: type, shape: shape,
                region: FileRegion(file: file, range: start..<start + byteCount))
        }
    }
}
