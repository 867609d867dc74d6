// SPDX-License-Identifier: Apache-2.0

import Control
import Engine
import Model
import Wire

extension PlannerModel {
    /// What each part of `model` needs of a worker's memory.
    init(_ model: LoadedModel, _ configuration: CoordinatorConfiguration) {
        let oneLayer = StageConfiguration(model, configuration, layers: 0..<1, threadCount: 1)
        let kv = oneLayer.kvByteCountPerLayer ?? Int.max
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
            slotCount: configuration.slotCount + ClusterLimits.keptCountMax,
            contextLength: model.served.contextLength,
            pageCount: Self.pageCount(
                slotCount: configuration.slotCount, contextLength: model.served.contextLength),
            kvType: KVType(configuration.cacheType), rowCountMax: ClusterLimits.rowCountMax,
            threadCount: threadCount)
    }
}

extension KVType {
    /// The wire's form of the same.
    init(_ type: CacheType) {
        switch type {
        case .f16: self = .f16
        case .q8: self = .q8
        }
    }
}
