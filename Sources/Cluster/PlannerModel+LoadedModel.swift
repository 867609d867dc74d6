// SPDX-License-Identifier: Apache-2.0

package import Control
import Engine
package import Model
package import Wire

extension PlannerModel {
    init(_ model: LoadedModel, _ configuration: CoordinatorConfiguration, pages: PageDemand) {
        self.init(
            model.hyperparameters, tensors: model.tensors.compactMap(PlannedTensor.init),
            pages: pages, contextLength: model.served.contextLength,
            wireType: configuration.wireType, cacheType: configuration.cacheType)
    }

    /// What each part of a model needs of a worker's memory, and of its time.
    ///
    /// `tensors` are all of the model's, checked against its numbers.
    package init(
        _ shape: Hyperparameters, tensors: [PlannedTensor], pages: PageDemand, contextLength: Int,
        wireType: WireType, cacheType: CacheType
    ) {
        func onePage(_ layer: Int, _ threadCount: Int) -> StageConfiguration {
            StageConfiguration(
                shape, layers: layer..<layer + 1, slotCount: pages.slotCount,
                contextLength: contextLength, pageCount: 1, cacheType: cacheType,
                threadCount: threadCount)
        }
        let kv = onePage(0, 1).kvByteCountPerLayer ?? Int.max
        func scratch(_ layer: Int = 0, threadCount: Int) -> UInt64 {
            let configuration = onePage(layer, threadCount)
            return UInt64(
                StageEngine.memoryByteCount(configuration: configuration, weightByteCount: 0) - kv)
        }
        // A thread alone needs a little less.
        let perThread = scratch(threadCount: 3) - scratch(threadCount: 2)
        var layers = [[PlannedTensor]](repeating: [], count: shape.layerCount)
        var embedding: [PlannedTensor] = []
        var output: [PlannedTensor] = []
        var rope: [PlannedTensor] = []
        for tensor in tensors {
            switch tensor.role {
            case .layer(let layer, _) where layers.indices.contains(layer):
                layers[layer].append(tensor)
            case .embedding: embedding.append(tensor)
            case .output, .outputNorm: output.append(tensor)
            case .rope: rope.append(tensor)
            case .layer: break
            }
        }
        let isTied = !output.contains { $0.role == .output }
        let head = (isTied ? embedding : output).filter { $0.role != .outputNorm }
        self.init(
            layerBytes: layers.map(Self.blobBytes), embeddingBytes: Self.blobBytes(embedding),
            outputBytes: Self.blobBytes(output), tiedHead: isTied, pages: pages,
            scratchBytes: scratch(threadCount: 2) - 2 * perThread + Self.blobBytes(rope),
            work: ModelWork(
                layers: layers.map(ModelWork.Part.init),
                lastKeysAndValues: ModelWork.Part(
                    layers.last?.filter(\.role.isKeyOrValue) ?? []),
                head: ModelWork.Part(head),
                kvBytesPerPosition: UInt64(kv / onePage(0, 1).pagePositionCount),
                attentionOperations: UInt64(4 * shape.headCount * shape.headSize),
                rowBytes: UInt64(wireType.byteCount(of: shape.embeddingLength)),
                contextLength: pages.positionsPerSlot(pages.wanted),
                // Twice normalised and quantised; quantised; activated and quantised.
                layerValues: UInt64(
                    3 * shape.embeddingLength + shape.headCount * shape.headSize
                        + 2 * shape.feedForwardLength),
                // Their sum of exponentials, and the largest of them.
                headValues: UInt64(2 * shape.vocabularySize)))
        scratchBytesPerThread = perThread
        headScratchBytes =
            scratch(shape.layerCount - 1, threadCount: 2) - scratch(threadCount: 2)
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

extension TensorRole {
    fileprivate var isKeyOrValue: Bool {
        switch self {
        case .layer(_, .key), .layer(_, .value): true
        default: false
        }
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
        default: preconditionFailure("\(name) is not supported")
        }
    }
}

extension PageDemand {
    /// Throws where `--kv-memory` is too small.
    init(
        _ model: LoadedModel, _ configuration: CoordinatorConfiguration
    ) throws(PageDemandError) {
        try self.init(
            model.hyperparameters, slotCount: configuration.slotCount,
            contextLength: configuration.contextLength, kvByteCount: configuration.kvByteCount,
            cacheType: configuration.cacheType)
    }

    package init(
        _ shape: Hyperparameters, slotCount: Int, contextLength: Int?, kvByteCount: Int?,
        cacheType: CacheType
    ) throws(PageDemandError) {
        let onePage = StageConfiguration(
            shape, layers: 0..<1, slotCount: slotCount, contextLength: 1, pageCount: 1,
            cacheType: cacheType, threadCount: 1)
        try self.init(
            slotCount: slotCount, contextLength: contextLength, contextLimit: shape.contextLength,
            kvByteCount: kvByteCount, pagePositionCount: onePage.pagePositionCount,
            pageBytes: UInt64(onePage.kvByteCountPerLayer ?? Int.max),
            layerCount: shape.layerCount, countMax: Int(Limits.pagesMax))
    }
}

extension StageConfiguration {
    init(
        _ model: LoadedModel, _ configuration: CoordinatorConfiguration, pages: PageDemand,
        layers: Range<Int>, threadCount: Int
    ) {
        self.init(
            model.hyperparameters, layers: layers, slotCount: configuration.slotCount,
            contextLength: model.served.contextLength, pageCount: pages.wanted,
            cacheType: configuration.cacheType, threadCount: threadCount)
    }

    /// `slotCount` are those of sequences that run.
    fileprivate init(
        _ shape: Hyperparameters, layers: Range<Int>, slotCount: Int, contextLength: Int,
        pageCount: Int, cacheType: CacheType, threadCount: Int
    ) {
        self.init(
            hyperparameters: shape, layers: layers,
            slotCount: slotCount + ClusterLimits.keptCountMax, contextLength: contextLength,
            pageCount: pageCount, kvType: KVType(cacheType),
            rowCountMax: ClusterLimits.rowCountMax, threadCount: threadCount)
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
