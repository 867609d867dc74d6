// SPDX-License-Identifier: Apache-2.0

import Control
import FoundationEssentials
import Model

/// The body of `POST /v1/chat/completions`.
struct ChatCompletionRequest: DecodableWithConfiguration {
    var fields: GenerationFields
    var messages: [ChatMessage]
    /// Alternatives to report with each token; nil for no log-probabilities.
    var topLogProbabilities: Int?

    /// `sampling` is for a client that does not say.
    init(from decoder: any Decoder, configuration sampling: SamplingSettings) throws {
        let object = try RequestFields(decoder)
        fields = try GenerationFields(object, sampling: sampling)
        guard let list = try object.value([Message].self, "messages", "a list of messages") else {
            throw APIError.missing("messages")
        }
        guard !list.isEmpty else { throw APIError.wrongValue("messages", "a non-empty list") }
        messages = list.map { ChatMessage(role: $0.role, content: $0.content) }
        let count = try object.integer("top_logprobs", in: 0...20)
        let wanted = try object.bool("logprobs") ?? false
        // Some clients send a 0, which changes nothing, with every request.
        if let count, count > 0, !wanted {
            throw APIError.wrongValue("top_logprobs", "left out unless 'logprobs' is true")
        }
        topLogProbabilities = wanted ? count ?? 0 : nil
        for (list, choice) in [("tools", "tool_choice"), ("functions", "function_call")] {
            // Then the model is to call none.
            if (try? object.string(choice)) == "none" { continue }
            let advice = "this server calls no tools yet; leave it out"
            try object.refuse(list, advice)
            try object.refuse(choice, advice, harmless: ["auto"])
        }
        let modalities = try object.value([String].self, "modalities", "a list of strings")
        if let modalities, modalities != ["text"] {
            throw APIError.unsupported("modalities", "only [\"text\"]; leave it out")
        }
        try object.refuse("echo", "the answer comes without the messages; leave it out")
        try object.refuse("audio", "this server speaks text alone; leave it out")
    }
}

/// One message, with a role that chat templates know.
private struct Message: Decodable {
    let role: String
    let content: String

    private static let roles = [
        "system": "system", "developer": "system", "user": "user", "assistant": "assistant",
        "tool": "tool",
    ]

    init(from decoder: any Decoder) throws {
        let object = try RequestFields(decoder)
        let name = try object.requiredString("role")
        guard let role = Self.roles[name] else {
            throw APIError.wrongValue(
                object.path("role"), "one of \(Self.roles.keys.sorted().joined(separator: ", "))")
        }
        for call in ["tool_calls", "function_call"] {
            try object.refuse(call, "this server calls no tools yet; leave it out")
        }
        let text = try object.value(
            MessageText.self, "content", "a string or a list of text parts")
        guard let text = text?.text ?? (role == "assistant" ? "" : nil) else {
            throw APIError.missing(object.path("content"))
        }
        self.role = role
        content = text
    }
}

/// A message's content: a string, or parts of type `text`, each on a line of its own.
private struct MessageText: Decodable {
    let text: String

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let text = try value.text() {
            self.text = text
        } else {
            text = try value.decode([TextPart].self).map(\.text).joined(separator: "\n")
        }
    }
}

private struct TextPart: Decodable {
    let text: String

    init(from decoder: any Decoder) throws {
        let object = try RequestFields(decoder)
        let type = try object.requiredString("type")
        guard type == "text" else {
            throw APIError.unsupported(
                object.path("type"), "a part of type '\(type.prefix(40))'; send text only")
        }
        text = try object.requiredString("text")
    }
}
