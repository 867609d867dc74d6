// SPDX-License-Identifier: Apache-2.0

import Control
import Engine
import Model
import Testing

/// Log-probabilities of given tokens, against all logits of one step.
struct ScoringTests {
    private let model: SmallModel
    private let engine: StageEngine
    private let tokens: [UInt32] = (0..<100).map { UInt32($0 * 31 % 75) }

    init() throws {
        model = try SmallModel(type: .q8_0)
        engine = try StageEngine(
            configuration: StageConfiguration(
                hyperparameters: model.hyperparameters, layers: 0..<3, slotCount: 1,
                contextLength: 128, rowCountMax: 128, threadCount: 1),
            tensors: model.tensors, progress: { _ in })
    }

    private func expected() throws -> [Double] {
        let rows = tokens.indices.map {
            StageRow(slot: 0, position: $0, token: Int(tokens[$0]), want: .all)
        }
        guard case .predictions(let predictions) = try engine.forward(rows: rows, hidden: []) else {
            return []
        }
        return zip(predictions, tokens.dropFirst()).map { prediction, next in
            guard case .all(let logits) = prediction.logits else { return .nan }
            let sum = logits.reduce(0.0) { $0 + Exponential.exp(Double($1)) }
            return Double(logits[Int(next)]) - Exponential.log(sum)
        }
    }

    @Test(arguments: [1, 2, 50, 64, 65, 99])
    func theSameAsFromAllLogits(first: Int) throws {
        let expected = try expected()
        let found = try engine.logProbabilities(of: tokens, from: first)
        #expect(found.count == tokens.count - first)
        for (a, b) in zip(found, expected[(first - 1)...]) { #expect(abs(a - b) < 1e-5) }
        // What the slot held before makes no difference.
        #expect(try engine.logProbabilities(of: tokens, from: first) == found)
    }

    @Test func tokensOutsideTheVocabularyAreRefused() {
        #expect(throws: EngineError.self) {
            try engine.logProbabilities(of: [1, 2, 75], from: 1)
        }
    }
}
