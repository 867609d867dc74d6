// SPDX-License-Identifier: Apache-2.0

/// Every token of the vocabulary with its penalised logit.
struct FullDistribution {
    /// By id; none is NaN.
    private let logits: [Double]

    init(_ logits: [Double]) { self.logits = logits }

    /// The token that `draw` in `0..<1` falls on; nil for an empty vocabulary.
    func choose(_ settings: SamplingSettings, draw: Double) -> UInt32? {
        guard let best = likeliest else { return nil }
        guard !settings.isGreedy, best.logit.isFinite else { return best.id }
        let weight = Weight(reference: best.logit, temperature: settings.temperature)
        let ranking = RankedBuckets(logits, weight: weight)
        var count = settings.kept(of: ranking.count)
        var mass =
            count < ranking.count ? ranking.prefix { $0.count >= count }.mass : ranking.mass
        if !settings.drawsFromAll {
            let share = settings.topP < 1 ? settings.topP * mass : .infinity
            let likelyCount = max(1, ranking.count(weighing: settings.minP))
            let kept = ranking.prefix {
                $0.count >= min(count, likelyCount) || $0.mass >= share
            }
            count = kept.count
            mass = kept.mass
        }
        let target = draw * mass
        return ranking.prefix { $0.count >= count || $0.mass > target }.last
    }

    private var likeliest: RankedToken? {
        guard var best = logits.first else { return nil }
        var id = 0
        for index in logits.indices where logits[index] > best {
            best = logits[index]
            id = index
        }
        return RankedToken(id: UInt32(id), logit: best)
    }
}

/// Turns logits into unnormalised probabilities: `exp((logit - reference) / temperature)`.
struct Weight {
    let reference: Double
    let temperature: Double

    func callAsFunction(of logit: Double) -> Double {
        Exponential.exp((logit - reference) / temperature)
    }
}
