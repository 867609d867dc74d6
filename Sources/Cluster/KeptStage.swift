// SPDX-License-Identifier: Apache-2.0

package import Engine
import Model
import Platform
package import Wire

/// What is in memory of the stage at work, or of the last one: the next plan mostly wants the
/// larger part of it again, which then is neither read nor hashed nor packed anew.
package struct KeptStage {
    /// Those whose hashes were right when they were packed, with all their tensors.
    private var blobs: [(description: BlobDescription, held: HeldBlob)]
    private(set) var weights: KeptWeights
    /// Whether the embedding is packed as the head; else it is as in the file, to look tokens up.
    private let packsEmbedding: Bool
    /// Since when no plan wants it.
    private var idleSince: Duration?

    /// `held` are the assignment's blobs, of which the stage was made.
    package init(_ assignment: Assignment, held: [BlobDigest: HeldBlob], weights: KeptWeights) {
        blobs = assignment.blobs.compactMap { blob in
            let isWhole = blob.tensors.allSatisfy { weights.holds($0.name) }
            return isWhole ? held[blob.digest].map { (blob, $0) } : nil
        }
        self.weights = weights
        packsEmbedding = assignment.packsEmbedding
    }

    /// Lets go of all that another assignment does not name.
    package mutating func keep(only assignment: Assignment) {
        let keepsEmbedding = packsEmbedding == assignment.packsEmbedding
        blobs.removeAll { blob, _ in
            !assignment.blobs.contains(blob) || (blob.isEmbedding && !keepsEmbedding)
        }
        // Layers may be alike to the byte: where not all of them are here, the file is read.
        let lacking = assignment.blobs.filter { blob in
            !blobs.contains { $0.description == blob }
        }
        blobs.removeAll { blob, _ in lacking.contains { $0.digest == blob.digest } }
        weights.keep(only: Set(blobs.flatMap { $0.description.tensors.map(\.name) }))
    }

    /// To be asked again and again, while no plan wants it too: whether it may still stay. A worker
    /// that is lost is often back soon; but who has nothing to do should not hold the memory.
    package mutating func mayStay(isWanted: Bool, now: Duration) -> Bool {
        guard !isWanted else {
            idleSince = nil
            return true
        }
        let start = idleSince ?? now
        idleSince = start
        return now - start <= ClusterLimits.keptPatience
    }

    /// Marks the blobs as used, or else lets others remove their files: the weights need none.
    func mark(asUsed isUsed: Bool) {
        for case (_, .cached(let file)) in blobs { file.mark(asUsed: isUsed) }
    }

    /// The blobs, of which nothing has to be read, by their names.
    package var held: [BlobDigest: HeldBlob] {
        Dictionary(blobs.map { ($0.description.digest, $0.held) }) { first, _ in first }
    }
}

extension KeptStage? {
    /// As `mayStay` says.
    mutating func letGoIfIdle(isWanted: Bool, now: Duration) {
        guard self?.mayStay(isWanted: isWanted, now: now) == false else { return }
        Log.info("no stage for \(ClusterLimits.keptPatience): the last one's weights are let go")
        self = nil
    }
}

extension Assignment {
    fileprivate var packsEmbedding: Bool {
        let names = blobs.lazy.flatMap(\.tensors).map(\.name)
        return layerEnd == shape.layerCount && !names.contains(TensorRole.output.name)
    }
}

extension BlobDescription {
    fileprivate var isEmbedding: Bool {
        tensors.contains { $0.name == TensorRole.embedding.name }
    }
}
