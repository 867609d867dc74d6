// SPDX-License-Identifier: Apache-2.0

import Control
import Foundation
import Wire

/// The definition of sampling, written down as plainly as possible over the whole distribution.
struct SamplingReference {
    var settings: SamplingSettings
    var prompt: [UInt32]
    var generated: [UInt32]

    func token(_ logits: [Float], draw: Double) -> UInt32 {
        var ranked = logits.enumerated().map { (id: UInt32($0.offset), logit: penalised($0)) }
        ranked.sort { $0.logit > $1.logit || ($0.logit == $1.logit && $0.id < $1.id) }
        let best = ranked[0]
        if settings.temperature == 0 || !best.logit.isFinite { return best.id }
        var kept = ranked.map {
            (id: $0.id, weight: exp(($0.logit - best.logit) / settings.temperature))
        }
        if settings.topK > 0 { kept = Array(kept.prefix(settings.topK)) }
        if settings.topP < 1 {
            let total = kept.reduce(0) { $0 + $1.weight }
            var sum = 0.0
            let end = kept.firstIndex {
                sum += $0.weight
                return sum >= settings.topP * total
            }
            kept = Array(kept.prefix((end ?? kept.count - 1) + 1))
        }
        kept = kept.enumerated().filter { $0.offset == 0 || $0.element.weight >= settings.minP }
            .map(\.element)
        let target = draw * kept.reduce(0) { $0 + $1.weight }
        var sum = 0.0
        for token in kept {
            sum += token.weight
            if sum > target { return token.id }
        }
        return kept[kept.count - 1].id
    }

    private func penalised(_ token: (offset: Int, element: Float)) -> Double {
        let id = UInt32(token.offset)
        var logit = token.element.isNaN ? -Double.infinity : Double(token.element)
        let count = generated.count { $0 == id }
        if count > 0 || prompt.contains(id) {
            let penalty = settings.repetitionPenalty
            logit = logit > 0 ? logit / penalty : logit * penalty
        }
        if count > 0 {
            logit -= settings.presencePenalty + settings.frequencyPenalty * Double(count)
        }
        return logit
    }
}

/// What the last stage returns for `logits`, as the wire defines it.
func rowCandidates(_ logits: [Float], top count: Int?) -> RowCandidates {
    func ordered(_ logit: Float) -> Double { logit.isNaN ? -.infinity : Double(logit) }
    let largest = logits.map(ordered).max() ?? 0
    let sum = logits.reduce(0) { $0 + exp(ordered($1) - largest) }
    let logSumExp = largest.isFinite ? Float(largest + log(sum)) : Float(largest)
    let ranked = logits.indices.sorted {
        ordered(logits[$0]) > ordered(logits[$1])
            || (ordered(logits[$0]) == ordered(logits[$1]) && $0 < $1)
    }
    let top = count.map { count in
        RowCandidates.Logits.top(
            ranked.prefix(count).map { Candidate(id: UInt32($0), logit: logits[$0]) })
    }
    return RowCandidates(slot: 0, position: 0, logSumExp: logSumExp, logits: top ?? .all(logits))
}
