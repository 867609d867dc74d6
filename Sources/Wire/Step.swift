// SPDX-License-Identifier: Apache-2.0

/// One trip of a micro-batch down the pipeline: KV edits, then rows.
package struct Step: Sendable, Equatable {
    /// Applied in order, before any row.
    package var edits: [KVEdit]
    package var rows: [Row]
    package var activations: Activations
    /// What the stages before this one took, first stage first.
    package var trail: [StageTiming]

    package init(
        edits: [KVEdit] = [], rows: [Row], activations: Activations = .none,
        trail: [StageTiming] = []
    ) {
        self.edits = edits
        self.rows = rows
        self.activations = activations
        self.trail = trail
    }
}

/// A change to the KV caches, made by every stage in the same order.
package enum KVEdit: Sendable, Equatable {
    /// Forgets all positions of `slot`.
    case release(slot: UInt32)
    /// Keeps positions `0..<length` of `slot`.
    case truncate(slot: UInt32, length: UInt32)
    /// Makes `slot` begin with positions `0..<length` of `source`.
    case fork(slot: UInt32, source: UInt32, length: UInt32)
}

/// One token position of one sequence inside a step.
package struct Row: Sendable, Equatable {
    package var slot: UInt32
    package var position: UInt32
    package var token: UInt32
    package var want: Want

    /// What the last stage returns for a row.
    package enum Want: Sendable, Equatable {
        case nothing
        /// The logsumexp and the `count` largest logits, `1...Limits.candidatesMax`.
        case candidates(count: UInt16)
        /// Every logit, in order of token id.
        case allLogits
    }

    package init(slot: UInt32, position: UInt32, token: UInt32, want: Want) {
        self.slot = slot
        self.position = position
        self.token = token
        self.want = want
    }
}

/// What one stage spent on one step.
package struct StageTiming: Sendable, Equatable {
    package var stage: UInt16
    /// From the end of the stage's previous step until this step had arrived.
    package var waitMicroseconds: UInt32
    package var computeMicroseconds: UInt32
    /// Time the stage's *previous* step took to send; this one is not yet sent when it is written.
    package var sendMicroseconds: UInt32

    package init(
        stage: UInt16, waitMicroseconds: UInt32, computeMicroseconds: UInt32,
        sendMicroseconds: UInt32
    ) {
        self.stage = stage
        self.waitMicroseconds = waitMicroseconds
        self.computeMicroseconds = computeMicroseconds
        self.sendMicroseconds = sendMicroseconds
    }
}

/// What the last stage returns for a step: one entry for each row that wanted something, in order.
package struct Candidates: Sendable, Equatable {
    package var rows: [RowCandidates]
    package var trail: [StageTiming]

    package init(rows: [RowCandidates], trail: [StageTiming]) {
        self.rows = rows
        self.trail = trail
    }
}

/// The prediction for the token after one row.
package struct RowCandidates: Sendable, Equatable {
    package var slot: UInt32
    package var position: UInt32
    /// Natural logarithm of the sum of `exp` of all logits.
    package var logSumExp: Float
    package var logits: Logits

    package enum Logits: Sendable, Equatable {
        /// The largest logits in descending order, equal ones by ascending id.
        case top([Candidate])
        /// Every logit, in order of token id.
        case all([Float])
    }

    package init(slot: UInt32, position: UInt32, logSumExp: Float, logits: Logits) {
        self.slot = slot
        self.position = position
        self.logSumExp = logSumExp
        self.logits = logits
    }
}

/// One possible next token.
package struct Candidate: Sendable, Equatable {
    package var id: UInt32
    package var logit: Float

    package init(id: UInt32, logit: Float) {
        self.id = id
        self.logit = logit
    }
}
