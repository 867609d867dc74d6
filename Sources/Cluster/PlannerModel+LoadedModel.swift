// SPDX-License-Identifier: Apache-2.0

package import Control
import Engine
package import Model

/// A tensor as far as a plan depends on it.
package struct PlannedTensor: Sendable {
    package let role: TensorRole
    package let type: ElementType
    package let byteCount: Int
    package let elementCount: Int

    package init(role: TensorRole, type: ElementType, byteCount: Int, elementCount: Int) {
        self.role = role
        self.type = type
        self.byteCount = byteCount
        self.elementCount = elementCount
    }

    package init?(_ tensor: Tensor) {
        guard let role = TensorRole(name: tensor.name) else { return nil }
        self.init(
            role: role, type: tensor.type, byteCount: tensor.byteCount,
            elementCount: tensor.elementCount)
    }
}

extension PlannerModel {
    init(_ model: LoadedModel, slotCount: Int, contextLength: Int) {
        self.init(
            model.hyperparameters, tensors: model.tensors.compactMap(PlannedTensor.init),
            slotCount: slotCount, contextLength: contextLength)
    }

    /// What each part of a model needs of a worker's memory, and of its time.
    ///
    /// `tensors` are all of the model's, checked against its numbers.
    package init(
        _ shape: Hyperparameters, tensors: [PlannedTensor], slotCount: Int, contextLength: Int
    ) {
        let oneLayer = StageConfiguration(
            hyperparameters: shape, layers: 0..<1, slotCount: slotCount,
            contextLength: contextLength, rowCountMax: ClusterLimits.rowCountMax, threadCount: 1)
        let bytesPerPosition = 2 * 2 * shape.headCountKV * shape.headSize  // f16 keys and values
        let kv = slotCount * contextLength * bytesPerPosition
        let scratch = StageEngine.memoryByteCount(configuration: oneLayer, weightByteCount: 0) - kv
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
                kvBytesPerPosition: UInt64(bytesPerPosition),
                attentionOperations: UInt64(4 * shape.headCount * shape.headSize),
                rowBytes: UInt64(4 * shape.embeddingLength), contextLength: contextLength))
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
        func count(_ isIncluded: (PlannedTensor) -> Bool) -> UInt64 {
            UInt64(tensors.filter(isIncluded).reduce(0) { $0 + $1.elementCount })
        }
        self.init(
            byteCount: UInt64(tensors.reduce(0) { $0 + $1.byteCount }),
            int8Count: count { $0.type.isQuantised }, floatCount: count { !$0.type.isQuantised })
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
