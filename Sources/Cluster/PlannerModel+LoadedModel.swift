// SPDX-License-Identifier: Apache-2.0

package import Control
import Engine
package import Model
package import Wire

extension PlannerModel {
    init(_ model: LoadedModel, _ configuration: CoordinatorConfiguration) {
        self.init(
            model.hyperparameters, tensors: model.tensors.compactMap(PlannedTensor.init),
            slotCount: configuration.slotCount, contextLength: model.served.contextLength,
            wireType: configuration.wireType, cacheType: configuration.cacheType)
    }

    /// What each part of a model needs of a worker's memory, and of its time.
    ///
    /// `tensors` are all of the model's, checked against its numbers.
    package init(
        _ shape: Hyperparameters, tensors: [PlannedTensor], slotCount: Int, contextLength: Int,
        wireType: WireType, cacheType: CacheType
    ) {
        let oneLayer = StageConfiguration(
            shape, layers: 0..<1, slotCount: slotCount, contextLength: contextLength,
            cacheType: cacheType, threadCount: 1)
        let kv = oneLayer.kvByteCountPerLayer ?? Int.max
        let scratch = StageEngine.memoryByteCount(configuration: oneLayer, weightByteCount: 0) - kv
        let position = kv / max(1, oneLayer.pageCount) / oneLayer.pagePositionCount
        var layers = [[PlannedTensor]](repeating: [], count: shape.layerCount)
        var embedding: [PlannedTensor] = []
        var output: [PlannedTensor] = []
        for tensor in tensors {
            switch tensor.role {
            case .layer(let layer, _) where layers.indices.contains(layer):
                layers[layer].append(tensor)
            case .embedding: embedding.append(tensor)
            case .output, .outputNorm: output.append(tensor)
            case .layer, .rope: break
            }
        }
        let isTied = !output.contains { $0.role == .output }
        let head = (isTied ? embedding : output).filter { $0.role != .outputNorm }
        self.init(
            layerBytes: layers.map(Self.blobBytes), embeddingBytes: Self.blobBytes(embedding),
            outputBytes: Self.blobBytes(output), tiedHead: isTied, kvBytesPerLayer: UInt64(kv),
            scratchBytes: UInt64(max(0, scratch)),
            work: ModelWork(
                layers: layers.map(ModelWork.Part.init), head: ModelWork.Part(head),
                kvBytesPerPosition: UInt64(position),
                attentionOperations: UInt64(4 * shape.headCount * shape.headSize),
                rowBytes: UInt64(wireType.byteCount(of: shape.embeddingLength)),
                contextLength: contextLength,
                // Twice normalised and quantised; quantised; activated and quantised.
                layerValues: UInt64(
                    3 * shape.embeddingLength + shape.headCount * shape.headSize
                        + 2 * shape.feedForwardLength),
                // Their sum of exponentials, and the largest of them.
                headValues: UInt64(2 * shape.vocabularySize)))
    }

    /// As `Blob` lays them out.
    private static func blobBytes(_ tensors: [PlannedTensor]) -> UInt64 {
        let end = tensors.reduce(0) { end, tensor in
            (end + Blob.alignment - 1) / Blob.alignment * Blob.alignment + tensor.byteCount
        }
        return UInt64(end)
    }
}

extension ModelWork.Part {
    fileprivate init(_ tensors: [PlannedTensor]) {
        let quantised = tensors.filter(\.type.isQuantised)
        let floats = tensors.filter { !$0.type.isQuantised }
        self.init(
            byteCount: UInt64(tensors.reduce(0) { $0 + $1.byteCount }),
            int8Count: UInt64(
                quantised.reduce(0) { $0 + Double($1.elementCount) * $1.type.relativeWork }),
            floatCount: UInt64(floats.reduce(0) { $0 + $1.elementCount }))
    }
}

extension ElementType {
    /// What multiplying with a weight of this type takes beside Q4_0, which workers measure: the
    /// rates of 32 rows on an AVX-512 machine, weights from memory.
    fileprivate var relativeWork: Double {
        switch self {
        case .f32, .f16, .bf16, .q4_0, .iq4_NL: 1
        case .q5_0, .q4_K: 1.05
        case .q4_1, .q8_0: 1.15
        case .q5_1: 1.2
        case .q5_K: 1.3
        case .q2_K, .q3_K: 1.4
        case .q6_K: 1.45
        }
    }
}

extension StageConfiguration {
    init(
        _ model: LoadedModel, _ configuration: CoordinatorConfiguration, layers: Range<Int>,
        threadCount: Int
    ) {
        self.init(
            model.hyperparameters, layers: layers, slotCount: configuration.slotCount,
            contextLength: model.served.contextLength, cacheType: configuration.cacheType,
            threadCount: threadCount)
    }

    /// `slotCount` are those of sequences that run.
    fileprivate init(
        _ shape: Hyperparameters, layers: Range<Int>, slotCount: Int, contextLength: Int,
        cacheType: CacheType, threadCount: Int
    ) {
        self.init(
            hyperparameters: shape, layers: layers,
            slotCount: slotCount + ClusterLimits.keptCountMax, contextLength: contextLength,
            pageCount: Self.pageCount(slotCount: slotCount, contextLength: contextLength),
            kvType: KVType(cacheType), rowCountMax: ClusterLimits.rowCountMax,
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
