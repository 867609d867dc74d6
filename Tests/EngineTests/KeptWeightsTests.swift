// SPDX-License-Identifier: Apache-2.0

import Engine
import Model
import Platform
import TestSupport
import Testing

/// Weights that outlive their stage, beside a file in which nothing is left to read.
struct KeptWeightsTests {
    /// A model's file and what it says of itself.
    private struct Source {
        let directory: TemporaryDirectory
        let file: ModelFile
        let numbers: Hyperparameters

        init(isTied: Bool = false) throws {
            directory = try TemporaryDirectory()
            var shape = TinyShape()
            shape.layers = 5
            shape.hasTiedHead = isTied
            shape.hasRopeFrequencies = true
            let builder = GGUFBuilder.tinyLlama(shape: shape, type: .q4_0, seed: 3)
            file = try ModelFile(path: try directory.write(builder.bytes(), to: "model.gguf"))
            numbers = try Hyperparameters(metadata: file.metadata, tensors: file.tensors)
        }

        func stage(_ layers: Range<Int>, kept: KeptWeights = .none) throws -> StageEngine {
            let configuration = StageConfiguration(
                hyperparameters: numbers, layers: layers, slotCount: 1, contextLength: 64,
                rowCountMax: 8, threadCount: 2)
            return try StageEngine(
                configuration: configuration, tensors: file.tensors, kept: kept,
                progress: { _ in })
        }

        func names(_ layers: Range<Int>) -> Set<String> {
            Set(
                file.tensors.map(\.name).filter { name in
                    layers.contains { name.hasPrefix("blk.\($0).") }
                })
        }

        var allNames: Set<String> { Set(file.tensors.map(\.name)) }

        /// Zeroes what these tensors are made of.
        func wipe(_ names: Set<String>) throws {
            for tensor in file.tensors where names.contains(tensor.name) {
                let zeroes = [UInt8](repeating: 0, count: tensor.byteCount)
                try directory.overwrite(
                    zeroes, in: "model.gguf", at: tensor.region.range.lowerBound)
            }
        }
    }

    private func logits(_ stages: [StageEngine]) throws -> [Float] {
        try #require(try stages.forward(StageRow.run([1, 5, 9, 30])).last).allLogits
    }

    @Test func nothingOfWhatIsKeptIsRead() throws {
        let source = try Source()
        let expected = try logits([source.stage(0..<5)])
        var kept = try source.stage(0..<4).keptWeights
        kept.keep(only: source.names(1..<4))
        try source.wipe(source.names(1..<4))
        #expect(try !logits([source.stage(0..<5)]).isIdentical(to: expected))
        #expect(try logits([source.stage(0..<5, kept: kept)]).isIdentical(to: expected))
        let parts = try [0..<2, 2..<5].map { try source.stage($0, kept: kept) }
        #expect(try logits(parts).isIdentical(to: expected))
    }

    /// Embedding, norms, head and rotations too; each stage leaves them to the next in turn.
    @Test(arguments: [false, true]) func theyOutliveStageAfterStage(isTied: Bool) throws {
        let source = try Source(isTied: isTied)
        for ranges in [[0..<5], [0..<2, 2..<5]] {
            var stages = try ranges.map { try source.stage($0) }
            let expected = try logits(stages)
            let bytes = source.file.tensors.map { tensor in
                tensor.region.withUnsafeBytes { Array($0) }
            }
            try source.wipe(source.allNames)
            for _ in 0..<3 {
                stages = try zip(ranges, stages.map(\.keptWeights)).map { range, kept in
                    try source.stage(range, kept: kept)
                }
            }
            #expect(try logits(stages).isIdentical(to: expected), "\(ranges)")
            for (tensor, bytes) in zip(source.file.tensors, bytes) {
                try source.directory.overwrite(
                    bytes, in: "model.gguf", at: tensor.region.range.lowerBound)
            }
        }
    }

    /// A stage that grows keeps its embedding, or its head.
    @Test func theEndsStayAsStagesGrow() throws {
        let source = try Source()
        let expected = try logits([source.stage(0..<5)])
        let first = try source.stage(0..<2).keptWeights
        let last = try source.stage(4..<5).keptWeights
        let moved = source.names(2..<4)
        try source.wipe(source.allNames.subtracting(moved))
        let stages = [
            try source.stage(0..<3, kept: first), try source.stage(3..<5, kept: last),
        ]
        #expect(try logits(stages).isIdentical(to: expected))
    }

    @Test func theRestIsLetGo() throws {
        let source = try Source()
        let engine = try source.stage(0..<5)
        var kept = engine.keptWeights
        #expect(source.allNames.allSatisfy(kept.holds))
        let whole = kept.byteCount
        kept.keep(only: source.names(2..<4))
        let two = kept.byteCount
        #expect(source.allNames.filter(kept.holds) == source.names(2..<4))
        kept.keep(only: source.names(3..<5))
        #expect(two == 2 * kept.byteCount && whole > 5 * kept.byteCount)
        kept.keep(only: [])
        #expect(kept.byteCount == 0)
    }
}
