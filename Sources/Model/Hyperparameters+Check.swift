// SPDX-License-Identifier: Apache-2.0

extension Hyperparameters {
    /// What the engine's kernels take.
    package static let headSizeMax = 256

    /// Holds every number against sane limits, so that products of them cannot overflow.
    ///
    /// The limits stand well above any published model (Llama 3.1 405B: 126 layers, 16,384 wide).
    package func check() throws(ModelFault) {
        try check("block_count", layerCount, 1...4_096)
        try check("embedding_length", embeddingLength, 1...(1 << 20))
        try check("feed_forward_length", feedForwardLength, 1...(1 << 22))
        try check("attention.head_count", headCount, 1...(1 << 14))
        try check("attention.head_count_kv", headCountKV, 1...headCount)
        try check("attention.key_length", headSize, 2...Self.headSizeMax)
        try check("rope.dimension_count", ropeDimensionCount, 2...headSize)
        try check("vocab_size", vocabularySize, 1...(1 << 22))
        try check("context_length", contextLength, 1...(1 << 26))
        try require(
            headCount % headCountKV == 0, "attention.head_count_kv", headCountKV,
            "a divisor of the head count \(headCount)")
        try require(headSize % 2 == 0, "attention.key_length", headSize, "even")
        try require(
            ropeDimensionCount % 2 == 0, "rope.dimension_count", ropeDimensionCount, "even")
        try require(
            ropeBase.isFinite && ropeBase >= 1, "rope.freq_base", ropeBase,
            "a number of at least 1")
        try require(
            ropeScale.isFinite && ropeScale > 0, "rope.scaling.factor", ropeScale,
            "a positive number")
        try require(
            rmsEpsilon.isFinite && rmsEpsilon >= 0 && rmsEpsilon < 1,
            "attention.layer_norm_rms_epsilon", rmsEpsilon, "from 0 to below 1")
    }

    /// Checks that `tensors` are what the stage of `layers` needs: all there once, none unknown,
    /// each of the shape that these numbers ask for.
    ///
    /// A worker calls it on what it was sent. Tensors of other layers count as unknown.
    package func checkTensors(
        _ tensors: [Tensor], forLayers layers: Range<Int>
    ) throws(ModelFault) {
        var found: Set<TensorRole> = []
        for tensor in tensors {
            let role = try role(of: tensor, layers: layers)
            guard found.insert(role).inserted else { throw .repeatedTensor(tensor.name) }
            guard ElementType.supported.contains(tensor.type) else {
                throw .elementType(tensor: tensor.name, type: tensor.type)
            }
            let expected = shape(of: role)
            guard tensor.shape.withoutTrailingOnes == expected.withoutTrailingOnes else {
                throw .shape(tensor: tensor.name, found: tensor.shape, expected: expected)
            }
            if role.isVector, tensor.type.isQuantised {
                throw .quantisedVector(tensor: tensor.name, type: tensor.type)
            }
        }
        let missing = requiredRoles(forLayers: layers, isTied: !found.contains(.output))
            .filter { !found.contains($0) }
        guard missing.isEmpty else { throw .missingTensors(missing.map(\.name)) }
    }

    /// Innermost dimension first.
    package func shape(of role: TensorRole) -> [Int] {
        let queryLength = headCount * headSize
        let keyLength = headCountKV * headSize
        return switch role {
        case .embedding, .output: [embeddingLength, vocabularySize]
        case .outputNorm: [embeddingLength]
        case .rope: [ropeDimensionCount / 2]
        case .layer(_, let part):
            switch part {
            case .attentionNorm, .feedForwardNorm: [embeddingLength]
            case .query: [embeddingLength, queryLength]
            case .key, .value: [embeddingLength, keyLength]
            case .attentionOutput: [queryLength, embeddingLength]
            case .gate, .up: [embeddingLength, feedForwardLength]
            case .down: [feedForwardLength, embeddingLength]
            }
        }
    }

    /// In load order; `output.weight` is needed only where the head is not tied, which its
    /// presence tells.
    private func requiredRoles(forLayers layers: Range<Int>, isTied: Bool) -> [TensorRole] {
        let isLast = layers.upperBound == layerCount
        var roles: [TensorRole] = []
        if layers.lowerBound == 0 || (isLast && isTied) { roles.append(.embedding) }
        for layer in layers { roles += TensorRole.Part.allCases.map { .layer(layer, $0) } }
        if isLast { roles.append(.outputNorm) }
        return roles
    }

    private func role(
        of tensor: Tensor, layers: Range<Int>
    ) throws(ModelFault) -> TensorRole {
        let name = tensor.name
        guard let role = TensorRole(name: name) else {
            if name.hasSuffix(".bias") { throw .bias(name) }
            let isExpert = ["_exps.", "_shexp.", "ffn_gate_inp"].contains { name.contains($0) }
            throw isExpert ? .experts("tensor \(name)") : .unknownTensor(name)
        }
        if case .layer(let layer, _) = role, !layers.contains(layer) {
            throw .unknownTensor(name)
        }
        return role
    }

    private func check(
        _ key: String, _ value: Int, _ range: ClosedRange<Int>
    ) throws(ModelFault) {
        try require(
            range.contains(value), key, value, "from \(range.lowerBound) to \(range.upperBound)")
    }

    private func require<V>(
        _ condition: Bool, _ key: String, _ value: V, _ allowed: String
    ) throws(ModelFault) {
        guard condition else {
            throw .value(key: "llama.\(key)", value: "\(value)", allowed: allowed)
        }
    }
}

extension [Int] {
    fileprivate var withoutTrailingOnes: [Int] {
        Array(prefix((lastIndex { $0 != 1 } ?? 0) + 1))
    }
}
