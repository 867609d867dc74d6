// SPDX-License-Identifier: Apache-2.0

import Control
import Engine
import Model

extension PlannerModel {
    /// What each part of `model` needs of a worker's memory.
    init(_ model: LoadedModel, slotCount: Int, contextLength: Int) {
        let shape = model.hyperparameters
        let bytesPerValue = 2  // f16 keys and values
        let kv = slotCount * contextLength * 2 * shape.headCountKV * shape.headSize * bytesPerValue
        let oneLayer = StageConfiguration(
            hyperparameters: shape, layers: 0..<1, slotCount: slotCount,
            contextLength: contextLength, rowCountMax: ClusterLimits.rowCountMax, threadCount: 1)
        let scratch = StageEngine.memoryByteCount(configuration: oneLayer, weightByteCount: 0) - kv
        self.init(
            layerBytes: model.blobs.layers.map { UInt64($0.byteCount) },
            embeddingBytes: UInt64(model.blobs.embedding.byteCount),
            outputBytes: UInt64(model.blobs.output.byteCount),
            tiedHead: model.blobs.hasTiedHead, kvBytesPerLayer: UInt64(kv),
            scratchBytes: UInt64(max(0, scratch)))
    }
}

extension StageConfiguration {
    init(
        _ model: LoadedModel, _ configuration: CoordinatorConfiguration, layers: Range<Int>,
        threadCount: Int
    ) {
        self.init(
            hyperparameters: model.hyperparameters, layers: layers,
            slotCount: configuration.slotCount, contextLength: model.served.contextLength,
            rowCountMax: ClusterLimits.rowCountMax, threadCount: threadCount)
    }
}
