// SPDX-License-Identifier: Apache-2.0

import Control
import Foundation
import Testing
import Wire

struct SamplerTests {
    private struct Trial {
        var reference: SamplingReference
        var logits: [Float]
        var candidateCount: Int
    }

    private func trial(_ random: inout SplitMix, lowering: Bool) -> Trial {
        func pick<Value>(_ values: [Value]) -> Value {
            values[Int.random(in: 0..<values.count, using: &random)]
        }
        var settings = SamplingSettings()
        settings.temperature = pick([0, 0.2, 0.7, 1, 1, 1.5, 4])
        settings.topK = pick([0, 0, 1, 5, 20, 40, 1000])
        settings.topP = pick([1, 1, 0.3, 0.9, 0.99])
        settings.minP = pick([0, 0, 0, 0.05, 0.4])
        let penalties = lowering ? [0, 0, 0.5, 2] : [-1, 0, 1.5]
        settings.presencePenalty = pick(penalties)
        settings.frequencyPenalty = pick(penalties)
        let repetitions = lowering ? [1, 1, 1.1, 2] : [0.5, 1, 1.3]
        settings.repetitionPenalty = pick(repetitions)
        settings.seed = random.next()
        let count = Int.random(in: 30...90, using: &random)
        let scale: Float = pick([0.5, 2, 6])
        let isCoarse = Bool.random(using: &random)
        let logits = (0..<count).map { _ in
            let value = Float.random(in: -1...1, using: &random) * scale
            return isCoarse ? value.rounded() : value * value * value
        }
        func history(_ most: Int) -> [UInt32] {
            (0..<Int.random(in: 0...most, using: &random)).map { _ in
                UInt32.random(in: 0..<UInt32(count), using: &random)
            }
        }
        return Trial(
            reference: SamplingReference(
                settings: settings, prompt: history(10), generated: history(10)),
            logits: logits, candidateCount: Int.random(in: 5...28, using: &random))
    }

    private func sampler(_ reference: SamplingReference) -> Sampler {
        var sampler = Sampler(settings: reference.settings, promptTokens: reference.prompt)
        for token in reference.generated { sampler.accept(token) }
        return sampler
    }

    private func token(_ choice: SamplerChoice) -> UInt32? {
        if case .token(let id, _) = choice { id } else { nil }
    }

    @Test func candidatesNeverDecideOtherwiseThanTheWholeDistribution() {
        var random = SplitMix(state: 3)
        var decidedCount = 0
        var wrongCount = 0
        let trialCount = 20000
        for _ in 0..<trialCount {
            let trial = trial(&random, lowering: true)
            let sampler = sampler(trial.reference)
            let draw = Draw.uniform(
                seed: trial.reference.settings.seed, index: trial.reference.generated.count)
            let expected = trial.reference.token(trial.logits, draw: draw)
            let full = sampler.choose(
                rowCandidates(trial.logits, top: nil), vocabularyCount: trial.logits.count)
            let top = sampler.choose(
                rowCandidates(trial.logits, top: trial.candidateCount),
                vocabularyCount: trial.logits.count)
            if token(full) != expected {
                wrongCount += 1
            }
            guard let decided = token(top) else { continue }
            decidedCount += 1
            if decided != expected || top != full {
                wrongCount += 1
            }
        }
        #expect(wrongCount == 0)
        // Flat logits and few candidates leave much open here; with a real model it is rare.
        #expect(decidedCount > trialCount / 3, "\(decidedCount) of \(trialCount) decided")
    }

    @Test func raisingPenaltiesAreExactOnAllLogits() {
        var random = SplitMix(state: 4)
        var wrongCount = 0
        for _ in 0..<3000 {
            let trial = trial(&random, lowering: false)
            let sampler = sampler(trial.reference)
            let draw = Draw.uniform(
                seed: trial.reference.settings.seed, index: trial.reference.generated.count)
            let row = rowCandidates(trial.logits, top: sampler.want == .allLogits ? nil : 20)
            let chosen = token(sampler.choose(row, vocabularyCount: trial.logits.count))
            let expected = trial.reference.token(trial.logits, draw: draw)
            if chosen != expected, sampler.want == .allLogits || chosen != nil { wrongCount += 1 }
        }
        #expect(wrongCount == 0)
    }

    @Test func aPeakedDistributionIsDecidedByItsTop() {
        // Like a language model's: probabilities fall off as a power of the rank.
        var settings = SamplingSettings()
        let logits = (0..<5000).map { -2.5 * log(Float($0 + 1)) }
        let row = rowCandidates(logits, top: 256)
        let tailMass = logits[256...].reduce(0.0) { $0 + Double(exp($1 - row.logSumExp)) }
        var undecidedCount = 0
        for seed in 0..<5000 {
            settings.seed = UInt64(seed)
            let sampler = Sampler(settings: settings, promptTokens: [])
            if token(sampler.choose(row, vocabularyCount: logits.count)) == nil {
                undecidedCount += 1
            }
        }
        #expect(tailMass < 0.001)
        #expect(undecidedCount <= 15)
    }

    @Test func drawsFollowTheDistribution() {
        var settings = SamplingSettings()
        settings.seed = 42
        let probabilities: [Double] = [0.4, 0.3, 0.15, 0.1, 0.04, 0.01]
        let row = rowCandidates(probabilities.map { Float(log($0)) }, top: nil)
        var sampler = Sampler(settings: settings, promptTokens: [])
        var counts = [Double](repeating: 0, count: probabilities.count)
        let drawCount = 20000
        for _ in 0..<drawCount {
            guard let token = token(sampler.choose(row, vocabularyCount: 6)) else { continue }
            counts[Int(token)] += 1
            sampler.accept(token)
        }
        let chiSquare = zip(counts, probabilities).reduce(0.0) { sum, pair in
            let expected = pair.1 * Double(drawCount)
            return sum + (pair.0 - expected) * (pair.0 - expected) / expected
        }
        // 99.9 % of the time below 20.5 with 5 degrees of freedom; the seed is fixed.
        #expect(chiSquare < 20.5)
        #expect(counts.reduce(0, +) == Double(drawCount))
    }

    /// Pinned: the same seed must give the same draws in every version.
    @Test func drawsAreFixed() {
        #expect(Draw.uniform(seed: 0, index: 0) == 0.28176129772258496)
        #expect(Draw.uniform(seed: 1, index: 1) == 0.36818951565166946)
    }

    @Test func aRebuiltSequenceDrawsTheSame() {
        var settings = SamplingSettings()
        settings.seed = 7
        let row = rowCandidates((0..<50).map { Float($0 % 7) }, top: nil)
        var sampler = Sampler(settings: settings, promptTokens: [1])
        for _ in 0..<20 {
            guard let token = token(sampler.choose(row, vocabularyCount: 50)) else { continue }
            sampler.accept(token)
        }
        var rebuilt = Sampler(settings: settings, promptTokens: [1])
        for _ in 0..<20 { rebuilt.accept(3) }
        #expect(
            rebuilt.choose(row, vocabularyCount: 50) == sampler.choose(row, vocabularyCount: 50))
    }

    /// With a penalty a prompt's tokens count, whether or not the choice beside it has found them.
    @Test(arguments: [1.0, 1.5]) func siblingsShareWhatThePromptHolds(penaltyBeside: Double) {
        var settings = SamplingSettings()
        settings.temperature = 0
        settings.repetitionPenalty = 1.5
        var beside = settings
        beside.repetitionPenalty = penaltyBeside
        let sibling = Sampler(settings: beside, promptTokens: [1])
        let sampler = Sampler(settings: settings, promptTokens: [1], sibling: sibling)
        let row = rowCandidates([1, 3, 2.5], top: nil)
        #expect(token(sampler.choose(row, vocabularyCount: 3)) == 2)
        settings.repetitionPenalty = 1
        let plain = Sampler(settings: settings, promptTokens: [1], sibling: sampler)
        #expect(token(plain.choose(row, vocabularyCount: 3)) == 1)
    }

    @Test func logitsThatAreNotNumbers() {
        var greedy = SamplingSettings()
        greedy.temperature = 0
        for settings in [greedy, SamplingSettings()] {
            let sampler = Sampler(settings: settings, promptTokens: [])
            func chosen(_ logits: [Float]) -> UInt32? {
                token(
                    sampler.choose(rowCandidates(logits, top: nil), vocabularyCount: logits.count))
            }
            #expect(chosen([.nan, -.infinity, 2, .nan]) == 2)
            #expect(chosen([-.infinity, .nan, -.infinity]) == 0)
            #expect(chosen([0, .infinity, .infinity]) == 1)
        }
    }

    @Test func asksForNoMoreThanItNeeds() {
        var settings = SamplingSettings()
        func want() -> Row.Want { Sampler(settings: settings, promptTokens: []).want }
        #expect(want() == .candidates(count: 256))
        settings.temperature = 0
        #expect(want() == .candidates(count: 20))
        settings.frequencyPenalty = 0.5
        #expect(want() == .candidates(count: 256))
        settings.frequencyPenalty = -0.5
        #expect(want() == .allLogits)
        settings.frequencyPenalty = 0
        settings.repetitionPenalty = 0.9
        #expect(want() == .allLogits)
    }

    @Test func reportsTheModelsOwnProbabilities() {
        var settings = SamplingSettings()
        settings.temperature = 0
        settings.presencePenalty = 1
        let row = rowCandidates([log(0.5), log(0.3), log(0.2)], top: nil)
        var sampler = Sampler(settings: settings, promptTokens: [])
        sampler.accept(0)
        guard case .token(let id, let logProbability) = sampler.choose(row, vocabularyCount: 3)
        else {
            Issue.record("undecided")
            return
        }
        #expect(id == 1)
        #expect(abs(logProbability - log(0.3)) < 1e-6)
        let alternatives = sampler.alternatives(row, count: 2)
        #expect(alternatives.map(\.id) == [0, 1])
        #expect(abs(alternatives[0].logProbability - log(0.5)) < 1e-6)
        #expect(
            sampler.alternatives(rowCandidates([0, 1, 2], top: 3), count: 20).map(\.id)
                == [2, 1, 0])
    }
}
