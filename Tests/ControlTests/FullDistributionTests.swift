// SPDX-License-Identifier: Apache-2.0

import Control
import Testing
import Wire

/// Draws from all logits, against the plain definition, which sorts all of them.
struct FullDistributionTests {
    private func pick<Value>(_ values: [Value], _ random: inout SplitMix) -> Value {
        values[Int.random(in: 0..<values.count, using: &random)]
    }

    private func settings(_ random: inout SplitMix) -> SamplingSettings {
        var settings = SamplingSettings()
        settings.temperature = pick(
            [0, .leastNonzeroMagnitude, 0.01, 0.3, 1, 1, 2, 2, 100], &random)
        settings.topK = pick([0, 0, 0, 1, 7, 40, 300, 5000], &random)
        settings.topP = pick([1, 1, 0, 0.5, 0.95, 0.999999], &random)
        settings.minP = pick([0, 0, 0, 1e-30, 1e-6, 0.1, 0.5, 1], &random)
        settings.presencePenalty = pick([0, 0, -2, 1], &random)
        settings.frequencyPenalty = pick([0, 0, -0.3, 0.3], &random)
        settings.repetitionPenalty = pick([1, 1, 0.7, 1.2], &random)
        settings.seed = random.next()
        return settings
    }

    /// Some flat, some like a model's, some with many ties or with what a model should not give.
    private func logits(_ random: inout SplitMix) -> [Float] {
        let scale: Float = pick([0, 1e-30, 0.3, 3, 30, 1e30], &random)
        let isCoarse = Bool.random(using: &random)
        let strange: [Float] = pick([[], [], [.nan], [-.infinity], [.nan, -.infinity]], &random)
        let count = Int.random(in: 1...1200, using: &random)
        return (0..<count).map { _ in
            if let value = strange.first, Int.random(in: 0..<4, using: &random) == 0 {
                return strange.count > 1 ? pick(strange, &random) : value
            }
            let sum = (0..<4).reduce(Float(0)) { sum, _ in
                sum + Float.random(in: -1...1, using: &random)
            }
            return (isCoarse ? (sum * 2).rounded() : sum) * scale
        }
    }

    private func history(_ count: Int, _ random: inout SplitMix) -> [UInt32] {
        (0..<Int.random(in: 0...20, using: &random)).map { _ in
            UInt32.random(in: 0..<UInt32(count), using: &random)
        }
    }

    @Test func everyDrawIsThatOfTheSortedVocabulary() {
        var random = SplitMix(state: 11)
        for _ in 0..<4000 {
            let logits = logits(&random)
            let reference = SamplingReference(
                settings: settings(&random), prompt: history(logits.count, &random),
                generated: history(logits.count, &random))
            var sampler = Sampler(settings: reference.settings, promptTokens: reference.prompt)
            for token in reference.generated { sampler.accept(token) }
            let draw = Draw.uniform(
                seed: reference.settings.seed, index: reference.generated.count)
            let expected = reference.token(logits, draw: draw)
            for count in [nil, logits.count] {
                let row = rowCandidates(logits, top: count)
                guard case .token(expected, _) = sampler.choose(row, vocabularyCount: logits.count)
                else {
                    Issue.record("\(expected) of \(logits.count) with \(reference.settings)")
                    continue
                }
            }
        }
    }

    @Test func alternativesAreTheFirstOfTheSortedVocabulary() {
        var random = SplitMix(state: 12)
        let sampler = Sampler(settings: SamplingSettings(), promptTokens: [])
        for _ in 0..<500 {
            let logits = logits(&random)
            let count = Int.random(in: 0...20, using: &random)
            let all = sampler.alternatives(rowCandidates(logits, top: nil), count: count)
            let top = sampler.alternatives(rowCandidates(logits, top: logits.count), count: count)
            #expect(all.map(\.id) == top.map(\.id))
            #expect(all.count == min(count, logits.count))
        }
    }
}
