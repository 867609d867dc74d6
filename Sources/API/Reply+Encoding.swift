// SPDX-License-Identifier: Apache-2.0

/// The answer in OpenAI's form.
extension Reply {
    func whole(_ choices: [Choice], usage: Usage) -> HTTPReply {
        switch kind {
        case .chat:
            let choices = choices.map { choice in
                ChatCompletionReply.Choice(
                    index: choice.index,
                    message: ChatCompletionReply.Message(content: choice.text),
                    logProbabilities: Nullable(chatLogProbabilities(choice)),
                    finishReason: choice.finishReason ?? "")
            }
            return HTTPReply(
                json: ChatCompletionReply(
                    id: identity.id, created: identity.created, model: identity.model,
                    choices: choices, usage: usage))
        case .completion:
            let choices = choices.map { choice in
                CompletionReply.Choice(
                    index: choice.index, text: choice.text,
                    logProbabilities: Nullable(completionLogProbabilities(choice)),
                    finishReason: Nullable(choice.finishReason))
            }
            return HTTPReply(json: completion(choices, usage: Nullable(usage)))
        }
    }

    func event(
        _ choice: Choice, delta: ChatCompletionChunk.Delta, reason: String? = nil
    ) -> [UInt8] {
        let choice = ChatCompletionChunk.Choice(
            index: choice.index, delta: delta,
            logProbabilities: Nullable(chatLogProbabilities(choice)),
            finishReason: Nullable(reason))
        return event(chunk([choice], usage: includesUsage ? Nullable(nil) : nil))
    }

    func event(_ choice: Choice, text: String, reason: String? = nil) -> [UInt8] {
        let choice = CompletionReply.Choice(
            index: choice.index, text: text,
            logProbabilities: Nullable(completionLogProbabilities(choice)),
            finishReason: Nullable(reason))
        return event(completion([choice], usage: includesUsage ? Nullable(nil) : nil))
    }

    func event(_ usage: Usage) -> [UInt8] {
        switch kind {
        case .chat: event(chunk([], usage: Nullable(usage)))
        case .completion: event(completion([], usage: Nullable(usage)))
        }
    }

    /// A server-sent event (WHATWG HTML, section 9.2); JSON text has no line break inside.
    func event(_ value: some Encodable) -> [UInt8] {
        Array("data: ".utf8) + JSONBody.encode(value) + Array("\n\n".utf8)
    }

    private func chatLogProbabilities(_ choice: Choice) -> ChatLogProbabilities? {
        guard hasLogProbabilities, !isStream || !choice.entries.isEmpty else { return nil }
        return ChatLogProbabilities(content: choice.entries.map(\.entry))
    }

    private func completionLogProbabilities(_ choice: Choice) -> CompletionLogProbabilities? {
        guard hasLogProbabilities, !isStream || !choice.entries.isEmpty else { return nil }
        return choice.entries.reduce(into: CompletionLogProbabilities()) {
            $0.append($1.entry, textOffset: $1.textOffset)
        }
    }

    private func chunk(
        _ choices: [ChatCompletionChunk.Choice], usage: Nullable<Usage>?
    ) -> ChatCompletionChunk {
        ChatCompletionChunk(
            id: identity.id, created: identity.created, model: identity.model, choices: choices,
            usage: usage)
    }

    private func completion(
        _ choices: [CompletionReply.Choice], usage: Nullable<Usage>?
    ) -> CompletionReply {
        CompletionReply(
            id: identity.id, created: identity.created, model: identity.model, choices: choices,
            usage: usage)
    }
}
