// SPDX-License-Identifier: Apache-2.0

package import Engine
import Model
import Platform
package import Wire

/// What is in memory of the stage at work, or of the last one: the next plan mostly wants the
/// larger part of it again, which then is neither read nor hashed nor packed anew.
package struct KeptStage {
    /// Those whose hashes were right when they were packed.
    private var blobs: [(description: BlobDescription, held: HeldBlob)]
    private(set) var weights: KeptWeights
    private let isFirst: Bool
    private let isLast: Bool
    /// Since when no plan wants it.
    private var idleSince: Duration?

    /// `held` are the assignment's blobs, of which the stage was made.
    package init(_ assignment: Assignment, held: [BlobDigest: HeldBlob], weights: KeptWeights) {
        blobs = assignment.blobs.compactMap { blob in held[blob.digest].map { (blob, $0) } }
        self.weights = weights
        isFirst = assignment.isFirst
        isLast = assignment.isLast
    }

    /// Lets go of all that another assignment does not name.
    package mutating func keep(only assignment: Assignment) {
        // Where tokens are looked up it is as in the file, where it is the head it is packed.
        let keepsEmbedding = (isFirst, isLast) == (assignment.isFirst, assignment.isLast)
        blobs.removeAll { blob, _ in
            !assignment.blobs.contains(blob) || (blob.isEmbedding && !keepsEmbedding)
        }
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
    fileprivate var isFirst: Bool { layerStart == 0 }
    fileprivate var isLast: Bool { layerEnd == shape.layerCount }
}

extension BlobDescription {
    fileprivate var isEmbedding: Bool {
        tensors.contains { $0.name == TensorRole.embedding.name }
    }
}
