// SPDX-License-Identifier: Apache-2.0

/// A model cut into blobs: what can be shipped, cached and loaded on its own.
package struct BlobPlan: Sendable {
    /// `token_embd.weight`; it is also the head of a model whose head is tied.
    package let embedding: Blob
    /// Layer i holds `blk.i.*`.
    package let layers: [Blob]
    /// `output_norm.weight`, and `output.weight` where the head is not tied.
    package let output: Blob
    /// `rope_freqs.weight`; every stage needs it where it exists.
    package let rope: Blob?
    /// Whether the output matrix is the token embedding.
    package let hasTiedHead: Bool

    /// `tensors` have been checked against `hyperparameters`, so none is missing.
    package init(hyperparameters: Hyperparameters, tensors: [Tensor]) {
        var layers = [[Tensor]](repeating: [], count: hyperparameters.layerCount)
        var embedding: [Tensor] = []
        var output: [Tensor] = []
        var rope: [Tensor] = []
        for tensor in tensors {
            switch TensorRole(name: tensor.name) {
            case .embedding: embedding.append(tensor)
            case .layer(let layer, _) where layers.indices.contains(layer):
                layers[layer].append(tensor)
            case .outputNorm, .output: output.append(tensor)
            case .rope: rope.append(tensor)
            case .layer, nil: preconditionFailure("unchecked tensor \(tensor.name)")
            }
        }
        self.embedding = Blob(name: "embedding", tensors: embedding)
        self.layers = layers.enumerated().map { Blob(name: "layer \($0)", tensors: $1) }
        self.output = Blob(name: "output", tensors: output)
        self.rope = rope.isEmpty ? nil : Blob(name: "rope", tensors: rope)
        hasTiedHead = !output.contains { TensorRole(name: $0.name) == .output }
    }

    package init(file: ModelFile, hyperparameters: Hyperparameters) {
        self.init(hyperparameters: hyperparameters, tensors: file.tensors)
    }

    /// What the stage of `range` needs, in load order.
    package func blobs(forLayers range: Range<Int>) -> [Blob] {
        precondition(range.lowerBound >= 0 && range.upperBound <= layers.count)
        let isLast = range.upperBound == layers.count
        var blobs: [Blob] = []
        if let rope { blobs.append(rope) }
        if range.lowerBound == 0 || (isLast && hasTiedHead) { blobs.append(embedding) }
        blobs += layers[range]
        if isLast { blobs.append(output) }
        return blobs
    }

    /// Every blob once, in load order.
    package var all: [Blob] { blobs(forLayers: 0..<layers.count) }
}
