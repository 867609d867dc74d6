// SPDX-License-Identifier: Apache-2.0

/// What is wrong with candidates: the last stage broke the protocol, the pipeline is to be dropped.
package enum SchedulerFault: Error, Sendable, Equatable, CustomStringConvertible {
    /// Steps come back in the order they went: `next` is the oldest in flight.
    case unexpectedStep(stepID: UInt64, next: UInt64?)
    case wrongRowCount(stepID: UInt64, got: Int, expected: Int)
    case wrongRow(
        index: Int, slot: UInt32, position: UInt32, expectedSlot: UInt32, expectedPosition: UInt32)
    /// All logits where candidates were asked for, or the other way round.
    case wrongKind(index: Int)
    case wrongLogitCount(index: Int, got: Int, expected: Int)
    case tokenOutOfRange(index: Int, token: UInt32, vocabularyCount: Int)
    case notDescending(index: Int)

    package var description: String {
        "bad candidates: " + fact + "; the stages disagree, so the pipeline is dropped"
    }

    private var fact: String {
        switch self {
        case .unexpectedStep(let stepID, let next):
            "they are for step \(stepID) and "
                + (next.map { "step \($0) is due" } ?? "none is in flight")
        case .wrongRowCount(let stepID, let got, let expected):
            "step \(stepID) came back with \(got) rows, \(expected) were asked for"
        case .wrongRow(let index, let slot, let position, let expectedSlot, let expectedPosition):
            "row \(index) is slot \(slot) position \(position), asked for was slot "
                + "\(expectedSlot) position \(expectedPosition)"
        case .wrongKind(let index): "row \(index) carries another kind of logits than asked for"
        case .wrongLogitCount(let index, let got, let expected):
            "row \(index) carries \(got) logits, \(expected) were asked for"
        case .tokenOutOfRange(let index, let token, let vocabularyCount):
            "row \(index) names token \(token), the vocabulary ends at \(vocabularyCount - 1)"
        case .notDescending(let index): "row \(index) is not in descending order"
        }
    }
}
