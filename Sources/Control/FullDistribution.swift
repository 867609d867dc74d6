// SPDX-License-Identifier: Apache-2.0

/// Every token of the vocabulary with its penalised logit.
struct FullDistribution {
    private let tokens: [RankedToken]

    init(_ tokens: [RankedToken]) { self.tokens = tokens }

    /// The token that `draw` in `0..<1` falls on; nil for an empty vocabulary.
    func choose(_ settings: SamplingSettings, draw: Double) -> UInt32? {
        var ranked = RankedTokens(tokens)
        guard let best = ranked.first else { return nil }
        guard !settings.isGreedy, best.logit.isFinite else { return best.id }
        let weight = Weight(reference: best.logit, temperature: settings.temperature)
        let kept = settings.kept(of: tokens.count)
        var total = 0.0
        if kept < tokens.count {
            var copy = ranked
            for _ in 0..<kept { total += copy.popFirst().map { weight(of: $0.logit) } ?? 0 }
        } else {
            for token in tokens { total += weight(of: token.logit) }
        }
        var ids: [UInt32] = []
        var sums: [Double] = []
        var sum = 0.0
        while ids.count < kept, let token = ranked.popFirst() {
            let own = weight(of: token.logit)
            if !ids.isEmpty, own < settings.minP { break }
            sum += own
            ids.append(token.id)
            sums.append(sum)
            if settings.topP < 1, sum >= settings.topP * total { break }
            if settings.drawsFromAll, sum > draw * total { return token.id }
        }
        let target = draw * sum
        return sums.firstIndex { $0 > target }.map { ids[$0] } ?? ids.last
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
