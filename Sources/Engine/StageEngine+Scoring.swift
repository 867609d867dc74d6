// SPDX-License-Identifier: Apache-2.0

import Model

extension StageEngine {
    /// Rows of one step while scoring: bounds the logits held at once.
    private static let scoringRowsMax = 64

    /// The natural logarithm of the probability of each token of `tokens` from `first` on, given
    /// all tokens before it; whatever slot 0 held is replaced.
    ///
    /// The stage must hold the whole model, `first` be at least 1, and a slot take all but the last
    /// of `tokens`. Throws what `forward` does.
    package func logProbabilities(
        of tokens: [UInt32], from first: Int
    ) throws(EngineError) -> [Double] {
        precondition(configuration.isFirst && configuration.isLast && first >= 1)
        try release(slot: 0)
        var result: [Double] = []
        result.reserveCapacity(max(0, tokens.count - first))
        let step = min(Self.scoringRowsMax, configuration.rowCountMax)
        for start in stride(from: 0, to: tokens.count - 1, by: step) {
            let positions = start..<min(start + step, tokens.count - 1)
            let rows = positions.map { position in
                StageRow(
                    slot: 0, position: position, token: Int(tokens[position]),
                    want: position + 1 >= first ? .all : .nothing)
            }
            guard case .predictions(let predictions) = try forward(rows: rows, hidden: []) else {
                continue
            }
            for prediction in predictions {
                guard case .all(let logits) = prediction.logits else { continue }
                let next = Int(tokens[start + prediction.rowIndex + 1])
                guard logits.indices.contains(next) else {
                    throw .tokenOutOfRange(token: next, vocabularySize: logits.count)
                }
                result.append(Double(logits[next]) - Double(prediction.logSumExp))
            }
        }
        return result
    }
}
