// SPDX-License-Identifier: Apache-2.0

import Engine
import Wire

extension Assignment {
    init(
        shape: ModelShape, stage: Int, of stageCount: Int, layers: Range<Int>, slotCount: Int,
        contextLength: Int, pageCount: Int, wireType: WireType, cacheType: CacheType,
        nextAddress: String, catalog: BlobCatalog
    ) {
        self.init(
            shape: shape, stage: UInt16(stage), stageCount: UInt16(stageCount),
            layerStart: UInt32(layers.lowerBound), layerEnd: UInt32(layers.upperBound),
            slotCount: UInt32(slotCount + ClusterLimits.keptCountMax),
            contextLength: UInt32(contextLength),
            rowCountMax: UInt32(ClusterLimits.rowCountMax), wireType: wireType,
            pageCount: UInt32(clamping: pageCount),
            pagePositionCount: UInt32(StageConfiguration.pagePositionCountDefault),
            cacheType: cacheType, nextAddress: nextAddress, blobs: catalog.blobs(forLayers: layers))
    }

    /// Throws when a worker would have to reject this: models and options may be larger than the
    /// protocol allows.
    func checkFits() throws(ModelTooLargeError) {
        guard blobs.count <= Limits.blobsMax,
            blobs.allSatisfy({ blob in
                blob.tensors.count <= Limits.tensorsPerBlobMax
                    && blob.tensors.allSatisfy { $0.name.utf8.count <= Limits.nameBytesMax }
            })
        else { throw ModelTooLargeError(reason: "it has too many layers or tensors") }
        guard wireType.takes(width: Int(shape.embeddingLength)) else {
            throw ModelTooLargeError(
                reason: "\(shape.embeddingLength) values a row are no whole blocks for --wire q8")
        }
        do throws(WireError) {
            let bytes = Frame(epoch: 1, id: 0, message: .assignment(self)).encoded()
            let header = try FrameHeader(decoding: Array(bytes[..<Limits.headerBytes]))
            _ = try Frame(header: header, payload: Array(bytes[Limits.headerBytes...]))
        } catch {
            throw ModelTooLargeError(reason: "\(error)")
        }
    }
}

/// The model, or what it is to be served with, exceeds the protocol's limits.
package struct ModelTooLargeError: Error, Equatable, CustomStringConvertible {
    package let reason: String

    package var description: String {
        "workers cannot serve this model: \(reason); lower --context or --slots, or serve it "
            + "without workers"
    }
}
