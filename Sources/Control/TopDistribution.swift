// SPDX-License-Identifier: Apache-2.0

import Wire

/// The likeliest tokens, penalised, and bounds on everything else.
///
/// Holds only for penalties that lower logits: no token of the tail exceeds the last candidate.
struct TopDistribution {
    /// Ahead of every other token of the vocabulary whatever the tail holds, in order.
    private let certain: [RankedToken]
    /// Candidates that a penalty has lowered into the tail's reach, likeliest first.
    private let lowered: [RankedToken]
    /// The largest logit that a token of the tail can have.
    private let tailLogit: Double
    private let tail: Tail

    /// `last` is the candidate with the smallest logit before penalties, the tail's upper bound.
    init(_ tokens: [RankedToken], last: Candidate, tail: Tail) {
        let ranked = tokens.sorted()
        tailLogit = last.logit.orderedLogit
        let limit = RankedToken(id: last.id, logit: tailLogit)
        let boundary = ranked.firstIndex { limit < $0 } ?? ranked.count
        certain = Array(ranked[..<boundary])
        lowered = Array(ranked[boundary...])
        self.tail = tail
    }

    /// The token that `draw` in `0..<1` falls on, or nil if that depends on the tail.
    func choose(_ settings: SamplingSettings, draw: Double) -> UInt32? {
        guard let best = certain.first else { return nil }
        guard !settings.isGreedy, best.logit.isFinite else { return best.id }
        let weight = Weight(reference: best.logit, temperature: settings.temperature)
        let weights = certain.map { weight(of: $0.logit) }
        var sums: [Double] = []
        for own in weights { sums.append((sums.last ?? 0) + own) }
        let totals = total(settings, weight: weight, sums: sums)
        let cut = Cut(
            settings: settings, weights: weights, sums: sums,
            restWeight: weight(of: tailLogit) * (1 + Tail.slack))
        // The kept count, the kept mass and the index all grow with the total: equal indices at
        // both ends are equal in between.
        let indices = [
            cut.index(draw, total: totals.low, isLow: true),
            cut.index(draw, total: totals.high, isLow: false),
        ]
        guard let index = indices[0], index == indices[1] else { return nil }
        return certain[index].id
    }

    /// Bounds of the mass that top-k leaves.
    private func total(
        _ settings: SamplingSettings, weight: Weight, sums: [Double]
    ) -> (low: Double, high: Double) {
        let vocabularyCount = certain.count + lowered.count + tail.count
        let kept = settings.kept(of: vocabularyCount)
        if kept <= certain.count { return (sums[kept - 1], sums[kept - 1]) }
        let base = sums.last ?? 0
        let rest = kept - certain.count
        let mass = tail.mass(weight)
        let known = lowered.reduce(0) { $0 + weight(of: $1.logit) }
        let high = base + known + mass.high
        if kept == vocabularyCount {
            return ((base + known + mass.low) * (1 - Tail.slack), high * (1 + Tail.slack))
        }
        let knownKept = lowered.prefix(rest).reduce(0) { $0 + weight(of: $1.logit) }
        let most = base + Double(rest) * weight(of: tailLogit)
        return ((base + knownKept) * (1 - Tail.slack), min(high, most) * (1 + Tail.slack))
    }
}

/// Where top-k, top-p and min-p cut the certain tokens off, given the total mass.
private struct Cut {
    let settings: SamplingSettings
    let weights: [Double]
    let sums: [Double]
    /// No token past the certain ones weighs more.
    let restWeight: Double

    /// How many tokens stay; nil if more than the certain ones.
    private func keptCount(total: Double) -> Int? {
        for (index, sum) in sums.enumerated() {
            if index > 0, weights[index] < settings.minP { return index }
            if settings.topP < 1, sum >= settings.topP * total { return index + 1 }
            if index + 1 == settings.topK { return index + 1 }
        }
        return restWeight < settings.minP ? sums.count : nil
    }

    /// The index that `draw` falls on when `total` is the smallest or the largest possible mass.
    func index(_ draw: Double, total: Double, isLow: Bool) -> Int? {
        if let count = keptCount(total: total) {
            let target = draw * sums[count - 1]
            return sums[..<count].firstIndex { $0 > target } ?? count - 1
        }
        var mass = total
        if isLow, !settings.drawsFromAll {
            // Top-p alone keeps its share at least; min-p may cut the tail off before that.
            let share = settings.minP > 0 ? 0 : settings.topP * total
            mass = max(sums.last ?? 0, share)
        }
        let target = draw * mass
        return sums.firstIndex { $0 > target }
    }
}
