// SPDX-License-Identifier: Apache-2.0

/// Why a sequence ends without an answer.
package enum SequenceFailure: Sendable, Equatable, CustomStringConvertible {
    /// No pipeline came up within the limit, in which the time of loading does not count.
    case notRecovered(limit: Duration)
    /// Each pipeline went down before the sequence got another token.
    case lostTooOften(count: Int)
    /// The next pipeline has fewer pages, and the prompt alone does not fit them.
    case tooLong(tokens: Int, limit: Int)
    /// The stages computed no number for its next token.
    case notANumber

    package var description: String {
        switch self {
        case .notRecovered(let limit):
            "no pipeline came up within \(limit.components.seconds) s, loading not counted"
        case .lostTooOften(let count):
            "\(count) pipelines in a row went down before its next token"
        case .tooLong(let tokens, let limit):
            "the next plan holds \(limit) tokens of a sequence and the prompt has \(tokens)"
        case .notANumber: "its next token's logits are no numbers"
        }
    }
}
