// SPDX-License-Identifier: Apache-2.0

/// The body of `POST /v1/completions`.
struct CompletionRequest: Decodable {
    enum Prompt: Equatable {
        case text(String)
        case tokens([UInt32])
    }

    var fields: GenerationFields
    var prompt: Prompt
    /// Alternatives to report with each token; nil for no log-probabilities.
    var topLogProbabilities: Int?

    /// OpenAI's: a plain completion without `max_tokens` is short.
    private static let defaultTokenCountMax = 16

    init(from decoder: any Decoder) throws {
        let object = try RequestFields(decoder)
        fields = try GenerationFields(object)
        if fields.tokenCountMax == nil { fields.tokenCountMax = Self.defaultTokenCountMax }
        let field = try object.value(
            PromptField.self, "prompt", "a string, a list of one string, or a list of token ids")
        guard let field else { throw APIError.missing("prompt") }
        prompt = field.prompt
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
    let prompt: CompletionRequest.Prompt

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let text = try value.text() {
            prompt = .text(text)
        } else if let texts = try? value.decode([String].self), !texts.isEmpty {
            prompt = .text(try Self.single(texts))
        } else if let lists = try? value.decode([[UInt32]].self), !lists.isEmpty {
            prompt = .tokens(try Self.single(lists))
        } else {
            prompt = .tokens(try value.decode([UInt32].self))
        }
    }

    private static func single<T>(_ prompts: [T]) throws -> T {
        guard prompts.count == 1, let prompt = prompts.first else {
            throw APIError.unsupported(
                "prompt", "\(prompts.count) prompts in one request; send one request for each")
        }
        return prompt
    }
}
