// SPDX-License-Identifier: Apache-2.0

import Engine
import Model
import Platform
import TestSupport
import Testing

/// Weights that outlive their stage, beside a file in which nothing is left to read.
struct KeptWeightsTests {
    private let directory: TemporaryDirectory
    private let file: ModelFile
    private let numbers: Hyperparameters

    init() throws {
        directory = try TemporaryDirectory()
        let builder = GGUFBuilder.tinyLlama(layers: 5, type: .q4_0, seed: 3)
        file = try ModelFile(path: try directory.write(builder.bytes(), to: "model.gguf"))
        numbers = try Hyperparameters(metadata: file.metadata, tensors: file.tensors)
    }

    private func stage(
        _ layers: Range<Int>, kept: KeptWeights = .none
    ) throws -> StageEngine {
        let configuration = StageConfiguration(
            hyperparameters: numbers, layers: layers, slotCount: 1, contextLength: 64,
            rowCountMax: 8, threadCount: 2)
        return try StageEngine(
            configuration: configuration, tensors: file.tensors, kept: kept, progress: { _ in })
    }

    private func logits(_ stages: [StageEngine]) throws -> [Float] {
        try #require(try stages.forward(StageRow.run([1, 5, 9, 30])).last).allLogits
    }

    private func names(_ layers: Range<Int>) -> Set<String> {
        Set(
            file.tensors.map(\.name).filter { name in
                layers.contains { name.hasPrefix("blk.\($0).") }
            })
    }

    /// Zeroes what the tensors of `layers` are made of.
    private func wipe(_ layers: Range<Int>) throws {
        let names = names(layers)
        for tensor in file.tensors where names.contains(tensor.name) {
            let zeroes = [UInt8](repeating: 0, count: tensor.byteCount)
            try directory.overwrite(zeroes, in: "model.gguf", at: tensor.region.range.lowerBound)
        }
    }

    @Test func nothingOfWhatIsKeptIsRead() throws {
        let expected = try logits([stage(0..<5)])
        var kept = try stage(0..<4).keptWeights
        kept.keep(only: names(1..<4))
        try wipe(1..<4)
        #expect(try !logits([stage(0..<5)]).isIdentical(to: expected))
        #expect(try logits([stage(0..<5, kept: kept)]).isIdentical(to: expected))
        #expect(
            try logits([stage(0..<2, kept: kept), stage(2..<5, kept: kept)])
                .isIdentical(to: expected))
    }

    /// A stage that is made of kept weights leaves them to another one in turn.
    @Test func theyOutliveStageAfterStage() throws {
        let expected = try logits([stage(0..<5)])
        var kept = try stage(0..<5).keptWeights
        try wipe(0..<5)
        for _ in 0..<3 { kept = try stage(0..<5, kept: kept).keptWeights }
        let last = try stage(0..<5, kept: kept)
        kept.keep(only: [])
        #expect(try logits([last]).isIdentical(to: expected))
    }

    @Test func theRestIsLetGo() throws {
        let engine = try stage(0..<5)
        var kept = engine.keptWeights
        let whole = kept.byteCount
        kept.keep(only: names(2..<4))
        let two = kept.byteCount
        kept.keep(only: names(3..<5))
        #expect(two == 2 * kept.byteCount && whole > 5 * kept.byteCount)
        kept.keep(only: [])
        #expect(kept.byteCount == 0)
    }
}
