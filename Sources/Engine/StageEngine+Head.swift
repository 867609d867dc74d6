// SPDX-License-Identifier: Apache-2.0

import CKernels
import Model

extension StageEngine {
    /// Output norm and head, a few rows at a time: those of `rows` that are `wanting` are the first
    /// ones of the residual stream.
    func predictions(_ rows: [StageRow], wanting: [Int]) -> [Prediction] {
        guard let head = weights.head else { return [] }
        let width = configuration.hyperparameters.embeddingLength
        var result: [Prediction] = []
        for start in stride(from: 0, to: wanting.count, by: Scratch.predictionBatch) {
            let batch = wanting[start..<min(wanting.count, start + Scratch.predictionBatch)]
            let input = normalised(
                weights.outputNorm, rowCount: batch.count, of: scratch.hidden + start * width)
            let product = Product(head, out: scratch.logits, stride: head.rowCount)
            multiply(input, [product], next: readAhead.loop(0))
            result += reduced(Array(batch), rows: rows)
        }
        return result
    }

    /// Log-sum-exp and the wanted logits of the batch in the logits buffer.
    private func reduced(_ indices: [Int], rows: [StageRow]) -> [Prediction] {
        // Parts are divided among the threads as the head was: who made logits has them at hand.
        team.split(scratch.logitPartCount) { parts, _ in
            for row in indices.indices {
                var logits = logits(of: row)
                ck_logit_parts(isa.code, &logits, parts.lowerBound, parts.upperBound)
            }
        }
        var result = indices.map { Prediction(rowIndex: $0, logSumExp: 0, logits: .top([])) }
        result.withUnsafeMutableBufferPointer { out in
            nonisolated(unsafe) let out = out
            team.run(indices.count) { row, _ in
                out[row] = prediction(
                    rowIndex: indices[row], want: rows[indices[row]].want, logits(of: row))
            }
        }
        return result
    }

    /// The row's part of the logits buffer.
    private func logits(of row: Int) -> ck_logits {
        let count = configuration.hyperparameters.vocabularySize
        return ck_logits(
            values: scratch.logits + row * count, count: count,
            largest: scratch.largestLogits + row * scratch.logitPartCount,
            sums: scratch.logitSums + row * scratch.logitPartCount)
    }

    private func prediction(
        rowIndex: Int, want: StageRow.Want, _ logits: ck_logits
    ) -> Prediction {
        var logits = logits
        let logSumExp = ck_log_sum_exp(isa.code, &logits)
        guard case .top(let top) = want else {
            let all = Array(UnsafeBufferPointer(start: logits.values, count: logits.count))
            return Prediction(rowIndex: rowIndex, logSumExp: logSumExp, logits: .all(all))
        }
        var ids = [UInt32](repeating: 0, count: top)
        var values = [Float](repeating: 0, count: top)
        ck_top(&logits, top, &ids, &values)
        let best = zip(ids, values).map { TokenLogit(id: Int($0), logit: $1) }
        return Prediction(rowIndex: rowIndex, logSumExp: logSumExp, logits: .top(best))
    }
}
