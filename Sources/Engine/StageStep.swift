// SPDX-License-Identifier: Apache-2.0

/// One token position of one sequence inside a step.
package struct StageRow: Sendable, Equatable {
    package var slot: Int
    package var position: Int
    package var token: Int
    package var want: Want

    /// What the last stage returns for a row.
    package enum Want: Sendable, Equatable {
        case nothing
        /// The largest logits, at least one and at most the vocabulary.
        case top(Int)
        case all
    }

    package init(slot: Int, position: Int, token: Int, want: Want) {
        self.slot = slot
        self.position = position
        self.token = token
        self.want = want
    }
}

/// What a stage makes of a step.
package enum StageOutput: Sendable, Equatable {
    /// `(rows, embeddingLength)` for the next stage.
    case hidden([Float])
    /// From the last stage: one for each row that wanted one, in the rows' order.
    case predictions([Prediction])
}

/// The logits for the token after one row.
package struct Prediction: Sendable, Equatable {
    /// Index in the step's rows.
    package var rowIndex: Int
    /// Natural logarithm of the sum of `exp` of all logits.
    package var logSumExp: Float
    package var logits: Logits

    package enum Logits: Sendable, Equatable {
        /// Descending, equal ones by ascending id.
        case top([TokenLogit])
        /// In order of token id.
        case all([Float])
    }

    package init(rowIndex: Int, logSumExp: Float, logits: Logits) {
        self.rowIndex = rowIndex
        self.logSumExp = logSumExp
        self.logits = logits
    }
}

/// A possible next token.
package struct TokenLogit: Sendable, Equatable {
    package var id: Int
    package var logit: Float

    package init(id: Int, logit: Float) {
        self.id = id
        self.logit = logit
    }
}
