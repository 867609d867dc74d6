// SPDX-License-Identifier: Apache-2.0

/// How the next token is drawn from the candidates. Defaults are OpenAI's.
package struct SamplingSettings: Sendable, Equatable {
    /// 0 takes the likeliest token.
    package var temperature: Double = 1
    /// Only the `topK` likeliest tokens; 0 for all.
    package var topK: Int = 0
    /// The smallest set of likeliest tokens whose probabilities reach `topP`; 1 for all.
    package var topP: Double = 1
    /// Only tokens at least `minP` times as likely as the likeliest; 0 for all.
    package var minP: Double = 0
    /// Divides positive and multiplies negative logits of tokens seen; 1 for none (CTRL, 2019).
    package var repetitionPenalty: Double = 1
    /// Taken off the logit of each token generated at least once.
    package var presencePenalty: Double = 0
    /// Taken off the logit of a token for each time it was generated.
    package var frequencyPenalty: Double = 0
    /// The same seed and prompt give the same tokens.
    package var seed: UInt64 = 0

    package init() {}
}

/// Why a sequence ended, as the OpenAI API names it.
package enum FinishReason: String, Sendable {
    /// An end-of-generation token or a stop text.
    case stop
    /// `max_tokens` or the context was reached.
    case length
}
