// SPDX-License-Identifier: Apache-2.0

import Wire

/// A step that is on its way through the stages, and what must come back for it.
struct StepInFlight: Sendable {
    /// One row that wants something.
    struct Expectation: Sendable {
        /// The stay in a slot that it belongs to.
        var admission: UInt64
        var row: Row
    }

    let id: UInt64
    let expectations: [Expectation]
    let rowCount: Int
    /// Rows of prompts, or of sequences whose caches are being rebuilt.
    let promptRowCount: Int
    /// Sequences that decoded when it was sent, in this step or not.
    let streamCount: Int
    let sent: Duration

    /// Throws what is wrong with `candidates` as an answer to this step.
    func check(_ candidates: Candidates, vocabularyCount: Int) throws(SchedulerFault) {
        guard candidates.rows.count == expectations.count else {
            throw .wrongRowCount(
                stepID: id, got: candidates.rows.count, expected: expectations.count)
        }
        for (index, row) in candidates.rows.enumerated() {
            let expected = expectations[index].row
            guard row.slot == expected.slot, row.position == expected.position else {
                throw .wrongRow(
                    index: index, slot: row.slot, position: row.position,
                    expectedSlot: expected.slot, expectedPosition: expected.position)
            }
            try Self.check(
                row.logits, index: index, want: expected.want, vocabularyCount: vocabularyCount)
        }
    }

    private static func check(
        _ logits: RowCandidates.Logits, index: Int, want: Row.Want, vocabularyCount: Int
    ) throws(SchedulerFault) {
        switch (logits, want) {
        case (.all(let logits), .allLogits):
            guard logits.count == vocabularyCount else {
                throw .wrongLogitCount(index: index, got: logits.count, expected: vocabularyCount)
            }
        case (.top(let candidates), .candidates(let count)):
            let expected = min(Int(count), vocabularyCount)
            guard candidates.count == expected else {
                throw .wrongLogitCount(index: index, got: candidates.count, expected: expected)
            }
            try check(candidates, index: index, vocabularyCount: vocabularyCount)
        case (.all, _), (.top, _): throw .wrongKind(index: index)
        }
    }

    private static func check(
        _ candidates: [Candidate], index: Int, vocabularyCount: Int
    ) throws(SchedulerFault) {
        var previous: RankedToken?
        for candidate in candidates {
            guard candidate.id < vocabularyCount else {
                throw .tokenOutOfRange(
                    index: index, token: candidate.id, vocabularyCount: vocabularyCount)
            }
            let token = RankedToken(id: candidate.id, logit: candidate.logit.orderedLogit)
            if let previous, !(previous < token) { throw .notDescending(index: index) }
            previous = token
        }
    }
}
