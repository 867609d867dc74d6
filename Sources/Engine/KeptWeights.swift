// SPDX-License-Identifier: Apache-2.0

import Model

/// Weights of a stage, by the tensors' names, that outlive it for a later stage of the same model:
/// what both need is not read and packed again.
///
/// What nobody holds any more, neither these nor a stage, goes back to the system.
package struct KeptWeights {
    package static var none: KeptWeights { KeptWeights() }

    private var matrices: [String: PackedMatrix] = [:]
    private var vectors: [String: [Float]] = [:]
    private var embedding: EmbeddingRows?

    private init() {}

    init(_ weights: StageWeights, layers: Range<Int>) {
        for (index, layer) in zip(layers, weights.layers) {
            func name(_ part: TensorRole.Part) -> String { TensorRole.layer(index, part).name }
            vectors[name(.attentionNorm)] = layer.attentionNorm
            matrices[name(.query)] = layer.query
            matrices[name(.key)] = layer.key
            matrices[name(.value)] = layer.value
            matrices[name(.attentionOutput)] = layer.attentionOutput
            vectors[name(.feedForwardNorm)] = layer.feedForwardNorm
            matrices[name(.gate)] = layer.gate
            matrices[name(.up)] = layer.up
            matrices[name(.down)] = layer.down
        }
        if let headName = weights.headName { matrices[headName] = weights.head }
        if !weights.outputNorm.isEmpty { vectors[TensorRole.outputNorm.name] = weights.outputNorm }
        vectors[TensorRole.rope.name] = weights.ropeFactors
        if case .rows(let rows) = weights.embedding { embedding = rows }
    }

    /// Lets go of all other tensors.
    package mutating func keep(only names: Set<String>) {
        matrices = matrices.filter { names.contains($0.key) }
        vectors = vectors.filter { names.contains($0.key) }
        if !names.contains(TensorRole.embedding.name) { embedding = nil }
    }

    package func holds(_ name: String) -> Bool {
        matrices[name] != nil || vectors[name] != nil
            || (name == TensorRole.embedding.name && embedding != nil)
    }

    /// In memory, but for vectors.
    package var byteCount: Int {
        matrices.values.reduce(embedding?.byteCount ?? 0) { $0 + $1.byteCount }
    }

    func matrix(like tensor: Tensor) -> PackedMatrix? {
        matrices[tensor.name].flatMap { $0.isLike(tensor) ? $0 : nil }
    }

    func vector(like tensor: Tensor) -> [Float]? {
        vectors[tensor.name].flatMap { $0.count == tensor.elementCount ? $0 : nil }
    }

    func rows(like tensor: Tensor) -> EmbeddingRows? {
        tensor.name == TensorRole.embedding.name
            ? embedding.flatMap { $0.isLike(tensor) ? $0 : nil } : nil
    }
}
