// SPDX-License-Identifier: Apache-2.0

/// The answer of `POST /v1/chat/completions` without `stream`.
struct ChatCompletionReply: Encodable {
    struct Message: Encodable {
        let role = "assistant"
        var content: String
        let refusal = Nullable<String>(nil)

        private enum CodingKeys: String, CodingKey { case role, content, refusal }
    }

    struct Choice: Encodable {
        var index: Int
        var message: Message
        var logProbabilities: Nullable<ChatLogProbabilities>
        var finishReason: String

        private enum CodingKeys: String, CodingKey {
            case index, message
            case logProbabilities = "logprobs"
            case finishReason = "finish_reason"
        }
    }

    var id: String
    let object = "chat.completion"
    var created: Int
    var model: String
    var choices: [Choice]
    var usage: Usage

    private enum CodingKeys: String, CodingKey { case id, object, created, model, choices, usage }
}

/// One event of a streamed chat completion.
struct ChatCompletionChunk: Encodable {
    struct Delta: Encodable {
        var role: String?
        var content: String?
    }

    struct Choice: Encodable {
        var index: Int
        var delta: Delta
        var logProbabilities: Nullable<ChatLogProbabilities>
        var finishReason: Nullable<String>

        private enum CodingKeys: String, CodingKey {
            case index, delta
            case logProbabilities = "logprobs"
            case finishReason = "finish_reason"
        }
    }

    var id: String
    let object = "chat.completion.chunk"
    var created: Int
    var model: String
    /// Empty in the chunk that only carries the usage.
    var choices: [Choice]
    /// Left out unless the client asked for it; then `null` in all chunks but the last.
    var usage: Nullable<Usage>?

    private enum CodingKeys: String, CodingKey { case id, object, created, model, choices, usage }
}

struct Usage: Encodable, Equatable {
    var promptTokens: Int
    var completionTokens: Int

    private enum CodingKeys: String, CodingKey {
        case promptTokens = "prompt_tokens"
        case completionTokens = "completion_tokens"
        case totalTokens = "total_tokens"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(promptTokens, forKey: .promptTokens)
        try container.encode(completionTokens, forKey: .completionTokens)
        try container.encode(promptTokens + completionTokens, forKey: .totalTokens)
    }
}
