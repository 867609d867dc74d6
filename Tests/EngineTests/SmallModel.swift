// SPDX-License-Identifier: Apache-2.0

import Engine
import FoundationEssentials
import Model
import Platform

/// A random Llama of a few thousand weights, in a file that is gone once it is mapped.
struct SmallModel {
    let hyperparameters: Hyperparameters
    let tensors: [Tensor]
    /// By name, row after row.
    private let values: [String: [Double]]

    /// `type` is that of all matrices; vectors are F32. Widths are multiples of 32 (for K types of
    /// 256), rows are not always of 16.
    init(type: ElementType, isTied: Bool = false, hasRopeFactors: Bool = true) throws {
        let isSuper = type.isSuper
        hyperparameters = Hyperparameters(
            layerCount: 3, embeddingLength: isSuper ? 256 : 96,
            feedForwardLength: isSuper ? 256 : 160, headCount: 4,
            headCountKV: 2, headSize: isSuper ? 64 : 40, ropeDimensionCount: 32, ropeBase: 10_000,
            ropeScale: 2,
            rmsEpsilon: 1e-5, vocabularySize: 75, contextLength: 128)
        var roles: [TensorRole] = [.embedding, .outputNorm]
        if !isTied { roles.append(.output) }
        if hasRopeFactors { roles.append(.rope) }
        for layer in 0..<3 { roles += TensorRole.Part.allCases.map { .layer(layer, $0) } }

        var random = RandomSource(seed: UInt64(type.rawValue) + 40)
        var matrices: [String: StoredMatrix] = [:]
        var offsets: [(TensorRole, Int)] = []
        var bytes = Data()
        for role in roles {
            let shape = hyperparameters.shape(of: role)
            let isVector = shape.count == 1
            var matrix = StoredMatrix(
                type: isVector ? .f32 : type, rows: isVector ? 1 : shape[1], columns: shape[0],
                amplitude: isVector ? 1 : 0.2, random: &random)
            if role == .rope { matrix = Self.factors(shape[0]) }
            matrices[role.name] = matrix
            offsets.append((role, bytes.count))
            bytes += matrix.bytes
            bytes += [UInt8](repeating: 0, count: (64 - bytes.count % 64) % 64)
        }
        values = matrices.mapValues { matrix in
            (0..<matrix.rows * matrix.columns).map { matrix.value($0) }
        }
        let file = try Self.mapped(bytes)
        let numbers = hyperparameters
        tensors = offsets.compactMap { role, offset in
            guard let matrix = matrices[role.name] else { return nil }
            return Tensor(
                name: role.name, type: matrix.type, shape: numbers.shape(of: role),
                region: FileRegion(file: file, range: offset..<offset + matrix.bytes.count))
        }
    }

    private static func factors(_ count: Int) -> StoredMatrix {
        let bytes = (0..<count).flatMap { index in
            withUnsafeBytes(of: (1 + Float(index) / 4).bitPattern.littleEndian) { Array($0) }
        }
        return StoredMatrix(type: .f32, rows: 1, columns: count, bytes: bytes)
    }

    private static func mapped(_ bytes: Data) throws -> MappedFile {
        let url = FileManager.default.temporaryDirectory
            .appending(path: "caravan-engine-\(UUID().uuidString)")
        try bytes.write(to: url)
        defer { try? FileManager.default.removeItem(at: url) }
        return try MappedFile(path: url.path)
    }

    func configuration(
        layers: Range<Int> = 0..<3, slotCount: Int = 3, contextLength: Int = 100,
        pageCount: Int? = nil, pagePositionCount: Int = 32, kvType: KVType = .f16,
        rowCountMax: Int = 64, threadCount: Int = 2
    ) -> StageConfiguration {
        StageConfiguration(
            hyperparameters: hyperparameters, layers: layers, slotCount: slotCount,
            contextLength: contextLength, pageCount: pageCount,
            pagePositionCount: pagePositionCount, kvType: kvType, rowCountMax: rowCountMax,
            threadCount: threadCount)
    }

    func engine(_ configuration: StageConfiguration? = nil, isa: KernelISA? = nil) throws
        -> StageEngine
    {
        try StageEngine(
            configuration: configuration ?? self.configuration(), tensors: tensors, isa: isa,
            progress: { _ in })
    }

    // MARK: The forward pass by its definition, in doubles

    /// The logits after each of `tokens`.
    func exactLogits(_ tokens: [Int]) -> [[Double]] {
        let numbers = hyperparameters
        let width = numbers.embeddingLength
        var hidden = tokens.map { token in
            Array(weights(.embedding)[token * width..<(token + 1) * width])
        }
        for layer in 0..<numbers.layerCount { exactLayer(layer, &hidden) }
        let head: TensorRole = values[TensorRole.output.name] == nil ? .embedding : .output
        return hidden.map { product(head, normed($0, .outputNorm)) }
    }

    private func exactLayer(_ layer: Int, _ hidden: inout [[Double]]) {
        let numbers = hyperparameters
        let size = numbers.headSize
        let inputs = hidden.map { normed($0, .layer(layer, .attentionNorm)) }
        let queries = inputs.enumerated().map { rotated(product(.layer(layer, .query), $1), $0) }
        let keys = inputs.enumerated().map { rotated(product(.layer(layer, .key), $1), $0) }
        let values = inputs.map { product(.layer(layer, .value), $0) }
        for row in hidden.indices {
            var attended: [Double] = []
            for head in 0..<numbers.headCount {
                let shared = head / (numbers.headCount / numbers.headCountKV) * size
                let scores = (0...row).map { key in
                    (0..<size).reduce(0.0) {
                        $0 + queries[row][head * size + $1] * keys[key][shared + $1]
                    } / Double(size).squareRoot()
                }
                let weights = scores.map { exponential($0 - (scores.max() ?? 0)) }
                let sum = weights.reduce(0, +)
                attended += (0..<size).map { i in
                    (0...row).reduce(0.0) { $0 + weights[$1] * values[$1][shared + i] } / sum
                }
            }
            add(product(.layer(layer, .attentionOutput), attended), to: &hidden[row])
            let input = normed(hidden[row], .layer(layer, .feedForwardNorm))
            let gate = product(.layer(layer, .gate), input)
            let up = product(.layer(layer, .up), input)
            let gated = zip(gate, up).map { $0 / (1 + exponential(-$0)) * $1 }
            add(product(.layer(layer, .down), gated), to: &hidden[row])
        }
    }

    private func weights(_ role: TensorRole) -> [Double] { values[role.name] ?? [] }

    private func add(_ x: [Double], to y: inout [Double]) { y = zip(x, y).map { $0 + $1 } }

    private func product(_ role: TensorRole, _ x: [Double]) -> [Double] {
        let weights = weights(role)
        return (0..<weights.count / x.count).map { row in
            var sum = 0.0
            for column in x.indices { sum += weights[row * x.count + column] * x[column] }
            return sum
        }
    }

    private func normed(_ x: [Double], _ role: TensorRole) -> [Double] {
        let mean = x.reduce(0.0) { $0 + $1 * $1 } / Double(x.count)
        let factor = 1 / (mean + Double(hyperparameters.rmsEpsilon)).squareRoot()
        return zip(x, weights(role)).map { $0 * factor * $1 }
    }

    private func rotated(_ x: [Double], _ position: Int) -> [Double] {
        var out = x
        let numbers = hyperparameters
        let factors = values[TensorRole.rope.name]
        for start in stride(from: 0, to: x.count, by: numbers.headSize) {
            for i in 0..<numbers.ropeDimensionCount / 2 {
                let power = -2 * Double(i) / Double(numbers.ropeDimensionCount) * 9.210340371976182
                let factor = factors?[i] ?? 1
                let scaled = Double(position) / Double(numbers.ropeScale)
                let (s, c) = sineCosine(scaled * exponential(power) / factor)
                let (a, b) = (x[start + 2 * i], x[start + 2 * i + 1])
                out[start + 2 * i] = a * c - b * s
                out[start + 2 * i + 1] = a * s + b * c
            }
        }
        return out
    }
}
