// SPDX-License-Identifier: Apache-2.0

import Control
import FoundationEssentials

/// The body of `POST /v1/completions`.
struct CompletionRequest: DecodableWithConfiguration {
    enum Prompt: Equatable {
        case text(String)
        case tokens([UInt32])
    }

    var fields: GenerationFields
    /// Each is continued by itself; at least one.
    var prompts: [Prompt]
    /// Alternatives to report with each token; nil for no log-probabilities.
    var topLogProbabilities: Int?

    /// OpenAI's: a plain completion without `max_tokens` is short.
    private static let defaultTokenCountMax = 16

    /// `sampling` is for a client that does not say.
    init(from decoder: any Decoder, configuration sampling: SamplingSettings) throws {
        let object = try RequestFields(decoder)
        fields = try GenerationFields(
            object, sampling: sampling, tokenCountMax: Self.defaultTokenCountMax)
        let field = try object.value(
            PromptField.self, "prompt",
            "a string, a list of token ids, or a list of several such prompts")
        guard let field else { throw APIError.missing("prompt") }
        prompts = field.prompts
        let most = HTTPLimits.choiceCountMax / fields.choiceCount
        guard prompts.count <= most else {
            throw APIError.wrongValue(
                "prompt",
                "at most \(most) prompts, as a request has \(HTTPLimits.choiceCountMax) answers "
                    + "at most")
        }
        topLogProbabilities = try object.integer("logprobs", in: 0...20)
        try object.refuse("echo", "put the prompt in front of the answer yourself")
        try object.refuse(
            "add_special_tokens", "the model's beginning token is added; send token ids for none",
            unless: [true])
        try object.refuse("suffix", "this server only continues a prompt; leave it out")
        let count = try object.integer("best_of", in: 1...HTTPLimits.choiceCountMax)
        if let count, count != fields.choiceCount {
            throw APIError.unsupported("best_of", "all 'n' choices are sent; leave it out")
        }
    }
}

private struct PromptField: Decodable {
    let prompts: [CompletionRequest.Prompt]

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let text = try value.text() {
            prompts = [.text(text)]
        } else if let texts = try? value.decode([String].self), !texts.isEmpty {
            prompts = texts.map { .text($0) }
        } else if let lists = try? value.decode([[UInt32]].self), !lists.isEmpty {
            prompts = lists.map { .tokens($0) }
        } else {
            prompts = [.tokens(try value.decode([UInt32].self))]
        }
    }
}
