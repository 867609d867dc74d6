// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
import Engine
import Model
import Testing
import Wire

/// Log-probabilities of given tokens, against all logits of one step.
struct ScorerTests {
    private let file: TestModelFile
    private let tokens: [UInt32]

    init() throws {
        file = try TestModelFile(layers: 4, type: .q8_0)
        let size = UInt32(file.model.hyperparameters.vocabularySize)
        tokens = (0..<100).map { UInt32($0) * 31 % size }
    }

    private func scorer(stages: Int = 1, wire: WireType = .f32) throws -> Scorer {
        try Scorer(
            model: file.model, stageCount: stages, wireType: wire, windowLength: 128,
            threadCount: 1)
    }

    private func expected() throws -> [Double] {
        let engine = try StageEngine(
            configuration: StageConfiguration(
                hyperparameters: file.model.hyperparameters, layers: 0..<4, slotCount: 1,
                contextLength: 128, rowCountMax: 128, threadCount: 1),
            tensors: file.model.tensors, progress: { _ in })
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
        let scorer = try scorer()
        let found = try scorer.logProbabilities(of: tokens, from: first)
        #expect(found.count == tokens.count - first)
        for (a, b) in zip(found, expected[(first - 1)...]) { #expect(abs(a - b) < 1e-5) }
        // What was scored before makes no difference.
        #expect(try scorer.logProbabilities(of: tokens, from: first) == found)
    }

    @Test func stagesChangeNothingUnlessTheWireDoes() throws {
        let expected = try scorer().logProbabilities(of: tokens, from: 1)
        #expect(try scorer(stages: 3).logProbabilities(of: tokens, from: 1) == expected)
        for (wire, tolerance) in [(WireType.f16, 0.3), (.q8, 0.5)] {
            let found = try scorer(stages: 3, wire: wire).logProbabilities(of: tokens, from: 1)
            let worst = zip(found, expected).map { abs($0 - $1) }.max() ?? .infinity
            #expect(worst > 0 && worst < tolerance, "\(wire): \(worst)")
            // Without a hop there is nothing to narrow.
            #expect(try scorer(wire: wire).logProbabilities(of: tokens, from: 1) == expected)
        }
    }

    @Test func whatCannotBeScoredIsRefused() throws {
        let size = UInt32(file.model.hyperparameters.vocabularySize)
        #expect(throws: EngineError.self) {
            try scorer().logProbabilities(of: [1, 2, size], from: 1)
        }
        #expect(throws: ScorerError.stageCount(5, layerCount: 4)) { try scorer(stages: 5) }
        #expect(throws: ScorerError.stageCount(0, layerCount: 4)) { try scorer(stages: 0) }
    }
}
