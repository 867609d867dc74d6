// SPDX-License-Identifier: Apache-2.0

package import Wire

/// Draws one sequence's tokens from what the last stage returns.
///
/// The order is: penalties, temperature, top-k, top-p, min-p, then a draw by inverse distribution
/// over descending probability with ties by ascending id. The few largest logits and the logsumexp
/// bound the rest's mass; where every mass within the bounds gives the same token, that token is
/// the exact one. Where not, the sampler asks for all logits and finishes exactly.
package struct Sampler: Sendable {
    package let settings: SamplingSettings
    private let promptTokens: Set<UInt32>
    private var generatedCounts: [UInt32: Int] = [:]
    /// Different tokens that a penalty applies to.
    private var seenCount: Int
    /// Tokens accepted so far; it also numbers the draws.
    package private(set) var generatedCount = 0

    /// What a `sibling` of the same prompt has found in it is shared: of a long one it is large.
    package init(
        settings: SamplingSettings, promptTokens: [UInt32], sibling: Sampler? = nil
    ) {
        self.settings = settings
        if settings.repetitionPenalty == 1 {
            self.promptTokens = []
        } else if let sibling, sibling.settings.repetitionPenalty != 1 {
            self.promptTokens = sibling.promptTokens
        } else {
            self.promptTokens = Set(promptTokens)
        }
        seenCount = self.promptTokens.count
    }

    /// Counts `token` as generated. A sequence is rebuilt by accepting its tokens again.
    package mutating func accept(_ token: UInt32) {
        if !isSeen(token) { seenCount += 1 }
        generatedCounts[token, default: 0] += 1
        generatedCount += 1
    }

    /// What to ask the last stage for.
    package var want: Row.Want {
        if settings.raisesLogits { return .allLogits }
        let isPlain = settings.isGreedy && !settings.hasPenalties
        return .candidates(count: isPlain ? Self.plainCandidateCount : Self.candidateCount)
    }

    /// Enough for the most alternatives a client may ask for.
    static let plainCandidateCount: UInt16 = 20
    static let candidateCount: UInt16 = 256

    /// The next token given `row`, which was predicted with the tokens accepted so far.
    ///
    /// Never `needsAllLogits` for a row that carries all of them.
    package func choose(_ row: RowCandidates, vocabularyCount: Int) -> SamplerChoice {
        let draw = Draw.uniform(seed: settings.seed, index: generatedCount)
        let chosen: UInt32?
        switch row.logits {
        case .all(let logits):
            chosen = FullDistribution(penalised(logits)).choose(settings, draw: draw)
        case .top(let candidates) where candidates.count >= vocabularyCount:
            var logits = [Float](repeating: -.infinity, count: vocabularyCount)
            for candidate in candidates { logits[Int(candidate.id)] = candidate.logit }
            chosen = FullDistribution(penalised(logits)).choose(settings, draw: draw)
        case .top(let candidates):
            guard !settings.raisesLogits, let last = candidates.last else { return .needsAllLogits }
            let tail = Tail(
                candidates, logSumExp: row.logSumExp,
                count: vocabularyCount - candidates.count,
                penalisedCount: penalisedCount(candidates))
            let top = TopDistribution(penalised(candidates), last: last, tail: tail)
            chosen = top.choose(settings, draw: draw)
        }
        guard let id = chosen else { return .needsAllLogits }
        let logProbability = Self.logProbability(of: id, in: row)
        return .token(id: id, logProbability: logProbability)
    }

    /// The `count` likeliest tokens by the model itself, likeliest first.
    package func alternatives(_ row: RowCandidates, count: Int) -> [TokenLogProbability] {
        let likeliest: [Candidate]
        switch row.logits {
        case .top(let candidates): likeliest = Array(candidates.prefix(count))
        case .all(let logits):
            likeliest = RankedToken.likeliest(count, of: logits).map {
                Candidate(id: $0.id, logit: Float($0.logit))
            }
        }
        return likeliest.map {
            TokenLogProbability(id: $0.id, logit: $0.logit, logSumExp: row.logSumExp)
        }
    }

    private static func logProbability(of id: UInt32, in row: RowCandidates) -> Float {
        let logit =
            switch row.logits {
            case .all(let logits): logits[Int(id)]
            case .top(let candidates):
                candidates.first { $0.id == id }?.logit ?? -.infinity
            }
        return TokenLogProbability(id: id, logit: logit, logSumExp: row.logSumExp).logProbability
    }

    private func penalised(_ candidates: [Candidate]) -> [RankedToken] {
        let hasPenalties = settings.hasPenalties
        return candidates.map { candidate in
            let logit = candidate.logit.orderedLogit
            return RankedToken(
                id: candidate.id, logit: hasPenalties ? penalised(candidate.id, logit) : logit)
        }
    }

    /// `logits` of the whole vocabulary, by id.
    private func penalised(_ logits: [Float]) -> [Double] {
        var penalised = logits.map { $0.orderedLogit }
        guard settings.hasPenalties else { return penalised }
        let seen = promptTokens.union(generatedCounts.keys)
        for id in seen where Int(id) < logits.count {
            penalised[Int(id)] = self.penalised(id, penalised[Int(id)])
        }
        return penalised
    }

    private func penalised(_ id: UInt32, _ logit: Double) -> Double {
        let count = generatedCounts[id] ?? 0
        var logit = logit
        if settings.repetitionPenalty != 1, count > 0 || promptTokens.contains(id) {
            let penalty = settings.repetitionPenalty
            logit = logit > 0 ? logit / penalty : logit * penalty
        }
        if count > 0 {
            logit -= settings.presencePenalty + settings.frequencyPenalty * Double(count)
        }
        return logit.isNaN ? -.infinity : logit
    }

    /// At most how many tokens outside `candidates` a penalty may have lowered.
    private func penalisedCount(_ candidates: [Candidate]) -> Int {
        guard settings.hasPenalties else { return 0 }
        return seenCount - candidates.count { isSeen($0.id) }
    }

    private func isSeen(_ token: UInt32) -> Bool {
        generatedCounts[token] != nil || promptTokens.contains(token)
    }
}

/// What a row's candidates say about the next token.
package enum SamplerChoice: Sendable, Equatable {
    /// `logProbability` is the model's own: temperature 1, no penalties.
    case token(id: UInt32, logProbability: Float)
    /// The candidates leave more than one token possible.
    case needsAllLogits
}

extension SamplingSettings {
    var isGreedy: Bool { !(temperature > 0) }

    var hasPenalties: Bool {
        repetitionPenalty != 1 || presencePenalty != 0 || frequencyPenalty != 0
    }

    /// Whether a token outside the largest logits can get ahead of them.
    var raisesLogits: Bool {
        !(repetitionPenalty >= 1 && presencePenalty >= 0 && frequencyPenalty >= 0)
    }

    /// The number of likeliest tokens that stay, of `count`.
    func kept(of count: Int) -> Int { topK > 0 ? min(topK, count) : count }

    /// Whether nothing but top-k cuts tokens off.
    var drawsFromAll: Bool { topP >= 1 && !(minP > 0) }
}

extension Float {
    /// The logit as a number that can be ordered: NaN counts as impossible.
    var orderedLogit: Double { isNaN ? -.infinity : Double(self) }
}
