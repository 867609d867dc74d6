// SPDX-License-Identifier: Apache-2.0

package import Model
package import Platform
import Wire

/// A blob at hand: in the cache, or inside a model file on this machine.
package enum HeldBlob: Sendable {
    case cached(MappedFile)
    case inModel(Blob)

    /// Whether its bytes, read now, are those that `digest` names.
    func matches(_ digest: BlobDigest) -> Bool {
        do throws(FileError) {
            switch self {
            case .cached(let file):
                var hash = SHA256()
                try file.hash(0..<file.byteCount, into: &hash)
                return hash.finish() == digest.bytes
            case .inModel(let blob): return try blob.digest() == digest.bytes
            }
        } catch {
            Log.warning("\(error)")
            return false
        }
    }

    /// The tensors that `description` speaks of, every bound checked. Throws
    /// `ShippingError.notInBlob`.
    func tensors(_ description: BlobDescription) throws(ShippingError) -> [Tensor] {
        var tensors: [Tensor] = []
        for entry in description.tensors {
            let shape = entry.shape.compactMap(Int.init(exactly:))
            guard let type = ElementType(rawValue: entry.type), shape.count == entry.shape.count,
                let byteCount = type.byteCount(of: shape), let start = Int(exactly: entry.offset),
                let region = region(at: start, byteCount: byteCount)
            else { throw .notInBlob(tensor: entry.name) }
            tensors.append(Tensor(name: entry.name, type: type, shape: shape, region: region))
        }
        return tensors
    }

    /// Where `byteCount` bytes from `start` of the blob on lie; nil where it has no such run.
    private func region(at start: Int, byteCount: Int) -> FileRegion? {
        switch self {
        case .cached(let file):
            guard start <= file.byteCount, byteCount <= file.byteCount - start else { return nil }
            return FileRegion(file: file, range: start..<start + byteCount)
        case .inModel(let blob):
            return blob.entries.first { $0.offset == start && $0.tensor.byteCount == byteCount }?
                .tensor.region
        }
    }
}

/// Hashes blobs on threads of its own while their weights are being packed; before that where there
/// are none to be had.
final class BlobCheck {
    private let thread: OSThread?
    private let outcome: Mailbox<[BlobDescription]>

    init(
        _ blobs: [(BlobDescription, HeldBlob)], threadCount: Int,
        unless isPointless: @escaping @Sendable () -> Bool
    ) {
        let outcome = Mailbox<[BlobDescription]>(capacity: 1)
        self.outcome = outcome
        let work: @Sendable () -> Void = {
            let damaged = concurrentMap(blobs, threadCount: threadCount) { blob, held in
                isPointless() || held.matches(blob.digest) ? [] : [blob]
            }
            outcome.offer(damaged.flatMap { $0 })
        }
        thread = try? OSThread(name: "check", work)
        if thread == nil { work() }
    }

    /// Those whose bytes are not what their names say. Call exactly once.
    func damaged() -> [BlobDescription] {
        thread?.join()
        return outcome.take(timeout: .zero) ?? []
    }
}
