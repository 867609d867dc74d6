// SPDX-License-Identifier: Apache-2.0

import Engine
import FoundationEssentials
import Testing

/// The real model against llama.cpp's own output, token for token along its completions.
@Suite struct OracleTests {
    struct Oracle: Decodable {
        let completions: [Completion]
    }

    struct Completion: Decodable {
        let prompt: String
        let promptTokenIds: [Int]
        let generatedTokenIds: [Int]
        let top2MarginLogprob: [Float]
        let teacherForcedEvery6: [Forced]

        enum CodingKeys: String, CodingKey {
            case prompt
            case promptTokenIds = "prompt_token_ids"
            case generatedTokenIds = "generated_token_ids"
            case top2MarginLogprob = "top2_margin_logprob"
            case teacherForcedEvery6 = "teacher_forced_every_6"
        }
    }

    struct Forced: Decodable {
        let afterGenerated: Int
        let top5: [Candidate]

        enum CodingKeys: String, CodingKey {
            case afterGenerated = "after_generated"
            case top5
        }
    }

    struct Candidate: Decodable {
        let id: Int
        let logprob: Float
    }

    private static func oracle() throws -> Oracle {
        let here = URL(filePath: #filePath).deletingLastPathComponent()
        let data = try Data(contentsOf: here.appending(path: "Fixtures/oracle.json"))
        return try JSONDecoder().decode(Oracle.self, from: data)
    }

    @Test func teacherForcedCompletionsAgree() throws {
        let engine = try RealModel().engine(rowCountMax: 512)
        let oracle = try Self.oracle()
        #expect(oracle.completions.count == 4)
        for completion in oracle.completions {
            let tokens = completion.promptTokenIds + completion.generatedTokenIds.dropLast()
            try engine.release(slot: 0)
            let predictions = try [engine].forward(StageRow.run(tokens))
            let generated = predictions.suffix(completion.generatedTokenIds.count)
            compareChoices(Array(generated), completion)
            compareProbabilities(Array(generated), completion)
        }
    }

    private func compareChoices(_ predictions: [Prediction], _ completion: Completion) {
        var compared = 0
        for (index, prediction) in predictions.enumerated()
        where completion.top2MarginLogprob[index] > 0.5 {
            let logits = prediction.allLogits
            let best = logits.indices.max { logits[$0] < logits[$1] }
            #expect(best == completion.generatedTokenIds[index], "\(completion.prompt) \(index)")
            compared += 1
        }
        #expect(compared > 0)
    }

    /// llama.cpp quantises activations and accumulates values in f16, so single candidates far down
    /// its list are off by up to 0.9 nat even from exact arithmetic on the same weights (position
    /// 18 of the third completion), and by up to 0.44 from itself with flash attention off. Hence
    /// the bound of 0.3 nat holds for nearly all, not for each.
    private func compareProbabilities(_ predictions: [Prediction], _ completion: Completion) {
        var differences: [Float] = []
        for forced in completion.teacherForcedEvery6
        where forced.afterGenerated < predictions.count {
            let prediction = predictions[forced.afterGenerated]
            for candidate in forced.top5 {
                let own = prediction.allLogits[candidate.id] - prediction.logSumExp
                differences.append(abs(own - candidate.logprob))
            }
        }
        let count = Float(differences.count)
        let mean = differences.reduce(0, +) / count
        let outliers = Float(differences.count { $0 > 0.3 })
        #expect(count >= 20 && mean > 0)
        #expect(mean < 0.15, "\(completion.prompt)")
        #expect(outliers / count <= 0.15, "\(completion.prompt)")
        #expect(differences.allSatisfy { $0 < 1 }, "\(completion.prompt)")
    }
}

extension Prediction {
    /// The logits in order of token id; empty if only the top was asked for.
    var allLogits: [Float] {
        if case .all(let logits) = logits { logits } else { [] }
    }
}
