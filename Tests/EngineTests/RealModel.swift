// SPDX-License-Identifier: Apache-2.0

import Engine
import Model
import TestSupport

/// SmolLM2 from the user's cache, cut into stages.
struct RealModel {
    let file: ModelFile
    let hyperparameters: Hyperparameters

    init() throws {
        file = try ModelFile(path: TestModel.path)
        hyperparameters = try Hyperparameters(metadata: file.metadata, tensors: file.tensors)
    }

    func engine(
        layers: Range<Int>? = nil, slotCount: Int = 4, contextLength: Int = 256,
        rowCountMax: Int = 128, kvType: KVType = .f16, threadCount: Int = 2, isa: KernelISA? = nil
    ) throws -> StageEngine {
        try StageEngine(
            configuration: StageConfiguration(
                hyperparameters: hyperparameters,
                layers: layers ?? 0..<hyperparameters.layerCount, slotCount: slotCount,
                contextLength: contextLength, kvType: kvType, rowCountMax: rowCountMax,
                threadCount: threadCount),
            tensors: file.tensors, isa: isa, progress: { _ in })
    }

    /// One engine for each of `count` contiguous, nearly equal stages.
    func stages(_ count: Int) throws -> [StageEngine] {
        let layerCount = hyperparameters.layerCount
        return try (0..<count).map { stage in
            try engine(layers: stage * layerCount / count..<(stage + 1) * layerCount / count)
        }
    }
}

extension [StageEngine] {
    /// One step through all stages in order.
    func forward(_ rows: [StageRow]) throws -> [Prediction] {
        var hidden: [Float] = []
        for stage in self {
            switch try stage.forward(rows: rows, hidden: hidden) {
            case .hidden(let values): hidden = values
            case .predictions(let predictions): return predictions
            }
        }
        return []
    }
}

extension StageRow {
    /// Consecutive rows of one slot, all of which want the same.
    static func run(
        _ tokens: some Sequence<Int>, slot: Int = 0, from position: Int = 0, want: Want = .all
    ) -> [StageRow] {
        tokens.enumerated().map { index, token in
            StageRow(slot: slot, position: position + index, token: token, want: want)
        }
    }
}
