// SPDX-License-Identifier: Apache-2.0

/// The answer of `POST /v1/completions`; streamed, each event is one of these too.
struct CompletionReply: Encodable {
    struct Choice: Encodable {
        var index: Int
        var text: String
        var logProbabilities: Nullable<CompletionLogProbabilities>
        var finishReason: Nullable<String>

        private enum CodingKeys: String, CodingKey {
            case index, text
            case logProbabilities = "logprobs"
            case finishReason = "finish_reason"
        }
    }

    var id: String
    let object = "text_completion"
    var created: Int
    var model: String
    /// Empty in the chunk that only carries the usage.
    var choices: [Choice]
    /// Left out of a stream unless the client asked for it; then `null` in all but the last chunk.
    var usage: Nullable<Usage>?

    private enum CodingKeys: String, CodingKey { case id, object, created, model, choices, usage }
}
