// SPDX-License-Identifier: Apache-2.0

import Cluster

/// A token's text, bytes and natural-log probability, as the API reports them.
struct ScoredToken: Encodable {
    /// Halves of characters show as U+FFFD; `bytes` has the truth.
    let text: String
    let bytes: [UInt8]
    let logProbability: Double

    /// What OpenAI writes for a probability too small to tell; JSON has no infinity.
    private static let logProbabilityMin = -9999.0

    init(bytes: [UInt8], logProbability: Float) {
        text = String(decoding: bytes, as: UTF8.self)
        self.bytes = bytes
        let value = Double(logProbability)
        self.logProbability =
            value.isNaN ? Self.logProbabilityMin : max(value, Self.logProbabilityMin)
    }

    enum CodingKeys: String, CodingKey {
        case text = "token"
        case bytes
        case logProbability = "logprob"
    }
}

/// The `logprobs` of a chat choice.
struct ChatLogProbabilities: Encodable {
    struct Entry: Encodable {
        var token: ScoredToken
        var alternatives: [ScoredToken]

        private enum CodingKeys: String, CodingKey { case alternatives = "top_logprobs" }

        func encode(to encoder: any Encoder) throws {
            try token.encode(to: encoder)
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(alternatives, forKey: .alternatives)
        }
    }

    var content: [Entry]
    let refusal = Nullable<String>(nil)

    private enum CodingKeys: String, CodingKey { case content, refusal }
}

/// The `logprobs` of a plain completion: lists with one element per token.
struct CompletionLogProbabilities: Encodable {
    var tokens: [String] = []
    var tokenLogProbabilities: [Double] = []
    var topLogProbabilities: [[String: Double]] = []
    /// Where each token's text begins in the answer, in Unicode scalars.
    var textOffsets: [Int] = []

    private enum CodingKeys: String, CodingKey {
        case tokens
        case tokenLogProbabilities = "token_logprobs"
        case topLogProbabilities = "top_logprobs"
        case textOffsets = "text_offset"
    }

    mutating func append(_ entry: ChatLogProbabilities.Entry, textOffset: Int) {
        tokens.append(entry.token.text)
        tokenLogProbabilities.append(entry.token.logProbability)
        // OpenAI's has the token itself, however unlikely. Several may show the same text: the
        // token wins, then the likeliest.
        topLogProbabilities.append(
            Dictionary(
                ([entry.token] + entry.alternatives).map { ($0.text, $0.logProbability) },
                uniquingKeysWith: { first, _ in first }))
        textOffsets.append(textOffset)
    }
}
