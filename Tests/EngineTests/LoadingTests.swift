// SPDX-License-Identifier: Apache-2.0

import Engine
import Model
import Platform
import TestSupport
import Testing

/// What becomes of a stage whose model file is not what it was when it was opened.
struct LoadingTests {
    private let directory: TemporaryDirectory
    private let file: ModelFile
    private let configuration: StageConfiguration

    init() throws {
        directory = try TemporaryDirectory()
        let path = directory.file("model.gguf")
        let mix = try #require(SyntheticMix.all.first)
        let model = SyntheticModel(shape: .tiny(hasTiedHead: false), mix: mix, seed: 3)
        _ = try #require(try model.write(to: path, threadCount: 1))
        file = try ModelFile(path: path)
        let numbers = try Hyperparameters(metadata: file.metadata, tensors: file.tensors)
        configuration = StageConfiguration(
            hyperparameters: numbers, layers: 0..<numbers.layerCount, slotCount: 1,
            contextLength: 32, rowCountMax: 1, threadCount: 2)
    }

    private func load() throws -> StageEngine {
        try StageEngine(configuration: configuration, tensors: file.tensors) { _ in }
    }

    /// Whatever is read first beyond its end: a matrix, a vector or the embedding.
    @Test func aFileThatIsCutShortIsAnError() throws {
        _ = try load()
        let ends = Set(file.tensors.map(\.region.range.upperBound)).sorted(by: >)
        for end in ends {
            try directory.cut("model.gguf", to: end - 1)
            #expect(throws: EngineError.unreadable(.changed(path: file.paths[0]))) {
                _ = try load()
            }
        }
    }
}
