// SPDX-License-Identifier: Apache-2.0

import CKernels
import Model
import Platform

/// All weights of a stage, packed.
struct StageWeights {
    struct Layer {
        let attentionNorm: [Float]
        let query: PackedMatrix
        let key: PackedMatrix
        let value: PackedMatrix
        let attentionOutput: PackedMatrix
        let feedForwardNorm: [Float]
        let gate: PackedMatrix
        let up: PackedMatrix
        let down: PackedMatrix
    }

    /// Where the first stage finds a token's row.
    enum Embedding {
        case none
        case rows(EmbeddingRows)
        /// The packed head, which is tied to it.
        case head

        /// Bytes that it takes by itself.
        var byteCount: Int {
            if case .rows(let rows) = self { rows.byteCount } else { 0 }
        }
    }

    let layers: [Layer]
    let embedding: Embedding
    let outputNorm: [Float]
    let head: PackedMatrix?
    /// The name of the head's tensor.
    let headName: String?
    let ropeFactors: [Float]?
    /// In memory, packed or copied.
    let byteCount: Int

    /// Takes what is there from `kept`, and reads the rest.
    init(
        configuration: StageConfiguration, tensors: [Tensor], kept: KeptWeights,
        team: ComputeTeam, progress: (Int) throws(EngineError) -> Void
    ) throws(EngineError) {
        let source = WeightSource(
            hyperparameters: configuration.hyperparameters, tensors: tensors, kept: kept)
        var matrices: [Tensor] = []
        for layer in configuration.layers {
            for part in TensorRole.Part.allCases where !part.isNorm {
                matrices.append(try source.tensor(.layer(layer, part)))
            }
        }
        let headTensor = configuration.isLast ? try source.head() : nil
        if let headTensor { matrices.append(headTensor) }
        let packer = try WeightPacker(matrices: matrices, kept: kept, team: team)

        var layers: [Layer] = []
        for layer in configuration.layers {
            layers.append(try Self.load(layer, from: source, with: packer))
            try progress(packer.offset)
        }
        self.layers = layers
        head = if let headTensor { try packer.pack(headTensor) } else { nil }
        headName = headTensor?.name
        try progress(packer.offset)
        outputNorm = configuration.isLast ? try source.vector(.outputNorm) : []
        ropeFactors = try source.optionalVector(.rope)
        embedding = try Self.embedding(configuration, source, head: headTensor)
        byteCount = packer.byteCount + embedding.byteCount
    }

    private static func embedding(
        _ configuration: StageConfiguration, _ source: WeightSource, head: Tensor?
    ) throws(EngineError) -> Embedding {
        guard configuration.isFirst else { return .none }
        let tensor = try source.tensor(.embedding)
        return head?.name == tensor.name ? .head : .rows(try source.rows(tensor))
    }

    /// Loops over weights in one layer.
    static let loopsPerLayer = 4

    /// The matrices that the loops of a step read, in order.
    var loops: [[ReadAhead.Sweep]] {
        let inLayers: [[ReadAhead.Sweep]] = layers.flatMap { layer in
            [
                [[layer.query, layer.key, layer.value]], [[layer.attentionOutput]],
                [[layer.gate], [layer.up]], [[layer.down]],
            ]
        }
        return inLayers + (head.map { [[[$0]]] } ?? [])
    }

    private static func load(
        _ layer: Int, from source: WeightSource, with packer: WeightPacker
    ) throws(EngineError) -> Layer {
        func matrix(_ part: TensorRole.Part) throws(EngineError) -> PackedMatrix {
            try packer.pack(try source.tensor(.layer(layer, part)))
        }
        return Layer(
            attentionNorm: try source.vector(.layer(layer, .attentionNorm)),
            query: try matrix(.query), key: try matrix(.key), value: try matrix(.value),
            attentionOutput: try matrix(.attentionOutput),
            feedForwardNorm: try source.vector(.layer(layer, .feedForwardNorm)),
            gate: try matrix(.gate), up: try matrix(.up), down: try matrix(.down))
    }
}

extension TensorRole.Part {
    fileprivate var isNorm: Bool { self == .attentionNorm || self == .feedForwardNorm }
}

/// The tensors of a stage by what they are for, with their shapes checked.
private struct WeightSource {
    let hyperparameters: Hyperparameters
    let tensors: [String: Tensor]
    let kept: KeptWeights

    init(hyperparameters: Hyperparameters, tensors: [Tensor], kept: KeptWeights) {
        self.hyperparameters = hyperparameters
        self.tensors = Dictionary(tensors.map { ($0.name, $0) }) { first, _ in first }
        self.kept = kept
    }

    func tensor(_ role: TensorRole) throws(EngineError) -> Tensor {
        guard let tensor = tensors[role.name] else { throw .missingTensor(role.name) }
        var found = tensor.shape
        while found.count > 1, found.last == 1 { found.removeLast() }
        let expected = hyperparameters.shape(of: role)
        guard found == expected, found[0] % tensor.type.blockElementCount == 0 else {
            throw .tensorShape(name: role.name, found: tensor.shape, expected: expected)
        }
        return tensor
    }

    /// A separate head, else the embedding.
    func head() throws(EngineError) -> Tensor {
        try tensor(tensors[TensorRole.output.name] == nil ? .embedding : .output)
    }

    /// A copy as f32.
    func vector(_ role: TensorRole) throws(EngineError) -> [Float] {
        let tensor = try tensor(role)
        if let vector = kept.vector(like: tensor) { return vector }
        let count = tensor.elementCount
        let bytes = UnsafeMutableRawBufferPointer.allocate(
            byteCount: tensor.byteCount, alignment: 64)
        defer { bytes.deallocate() }
        do throws(FileError) { try tensor.region.read(at: 0, into: bytes) } catch {
            throw .unreadable(error)
        }
        return [Float](unsafeUninitializedCapacity: count) { out, initialised in
            ck_dequantise(tensor.type.rawValue, bytes.baseAddress, count, out.baseAddress)
            initialised = count
        }
    }

    func optionalVector(_ role: TensorRole) throws(EngineError) -> [Float]? {
        tensors[role.name] == nil ? nil : try vector(role)
    }

    func rows(_ tensor: Tensor) throws(EngineError) -> EmbeddingRows {
        if let rows = kept.rows(like: tensor) { return rows }
        return try EmbeddingRows(tensor)
    }
}

/// Packs tensors one after the other into one block of memory, all but those that are kept.
private final class WeightPacker {
    /// Of all tensors, kept ones too.
    let byteCount: Int
    private let kept: KeptWeights
    private let memory: AnonymousMemory
    /// Each thread's, for what it reads.
    private let buffers: AnonymousMemory
    private let bufferByteCount: Int
    private let team: ComputeTeam
    private(set) var offset = 0

    init(matrices: [Tensor], kept: KeptWeights, team: ComputeTeam) throws(EngineError) {
        byteCount = matrices.reduce(0) { $0 + PackedMatrix.byteCount(of: $1) }
        self.kept = kept
        let new = matrices.filter { kept.matrix(like: $0) == nil }
        memory = try AnonymousMemory(
            byteCount: new.reduce(0) { $0 + Self.placeByteCount($1) }, hugePages: true)
        bufferByteCount = new.reduce(0) { max($0, PackedMatrix.bufferByteCount(for: $1)) }
        buffers = try AnonymousMemory(
            byteCount: team.threadCount * bufferByteCount, hugePages: false)
        self.team = team
    }

    /// Whole pages, so that each goes back to the system whatever becomes of its neighbours.
    private static func placeByteCount(_ tensor: Tensor) -> Int {
        let page = AnonymousMemory.pageByteCount
        return (PackedMatrix.byteCount(of: tensor) + page - 1) / page * page
    }

    /// Each tensor of `matrices` may be packed once.
    func pack(_ tensor: Tensor) throws(EngineError) -> PackedMatrix {
        if let matrix = kept.matrix(like: tensor) { return matrix }
        let count = Self.placeByteCount(tensor)
        let matrix = PackedMatrix(
            tensor: tensor, memory: MemoryPart(memory, at: offset, byteCount: count))
        offset += count
        try matrix.pack(
            tensor, team: team, buffers: buffers, bufferByteCount: bufferByteCount)
        return matrix
    }
}
