// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
import Model

/// Turns a generation's events into one answer, whole or streamed.
///
/// A pure state machine: events go in, bytes or a finished answer come out.
struct Reply {
    /// What is known of the answer before the first token.
    struct Identity {
        var id: String
        var created: Int
        var model: String
    }

    enum Kind { case chat, completion }

    enum Step: Equatable {
        /// Bytes of a stream, perhaps none.
        case more([UInt8])
        /// The last bytes of a stream.
        case last([UInt8])
        /// The whole answer; only without `stream`.
        case whole(HTTPReply)
    }

    let kind: Kind
    let identity: Identity
    let tokenizer: Tokenizer
    let isStream: Bool
    let includesUsage: Bool
    let hasLogProbabilities: Bool

    private var text = ""
    private var scalarCount = 0
    private var entries: [(entry: ChatLogProbabilities.Entry, textOffset: Int)] = []

    init(
        kind: Kind, identity: Identity, tokenizer: Tokenizer, fields: GenerationFields,
        hasLogProbabilities: Bool
    ) {
        self.kind = kind
        self.identity = identity
        self.tokenizer = tokenizer
        isStream = fields.isStream
        includesUsage = fields.includesUsage
        self.hasLogProbabilities = hasLogProbabilities
    }

    /// What a stream begins with, before any token.
    func opening() -> [UInt8] {
        guard isStream, kind == .chat else { return [] }
        return event(delta: ChatCompletionChunk.Delta(role: "assistant", content: ""))
    }

    mutating func apply(_ event: GenerationEvent) -> Step {
        switch event {
        case .token(let token): .more(append(token))
        // A comment (WHATWG HTML, section 9.2.6): clients ignore it, and nobody in between takes
        // the connection for dead.
        case .waiting: .more(isStream ? Array(": waiting\n\n".utf8) : [])
        case .finished(let summary): finish(summary)
        case .failed(let error): fail(APIError(error, parameter: promptParameter))
        }
    }

    /// Ends the answer with an error: as a whole answer, or as the last event of a stream.
    func fail(_ error: APIError) -> Step {
        isStream ? .last(event(error)) : .whole(HTTPReply(error))
    }

    var promptParameter: String { kind == .chat ? "messages" : "prompt" }

    private mutating func append(_ token: GeneratedToken) -> [UInt8] {
        if hasLogProbabilities {
            let bytes = tokenizer.bytes(of: token.id, showSpecial: true)
            let entry = ChatLogProbabilities.Entry(
                token: ScoredToken(bytes: bytes, logProbability: token.logProbability),
                alternatives: token.alternatives.map {
                    ScoredToken(bytes: $0.bytes, logProbability: $0.logProbability)
                })
            entries.append((entry, scalarCount))
        }
        return show(token.text)
    }

    /// Adds `shown` to the answer; the event that carries it where the answer is a stream.
    private mutating func show(_ shown: String) -> [UInt8] {
        scalarCount += shown.unicodeScalars.count
        guard isStream else {
            text += shown
            return []
        }
        guard !shown.isEmpty || !entries.isEmpty else { return [] }
        defer { entries.removeAll(keepingCapacity: true) }
        return switch kind {
        case .chat: event(delta: ChatCompletionChunk.Delta(content: shown))
        case .completion: event(text: shown)
        }
    }

    private mutating func finish(_ summary: GenerationSummary) -> Step {
        let usage = Usage(
            promptTokens: summary.promptTokenCount, completionTokens: summary.generatedTokenCount)
        let reason = summary.reason.rawValue
        guard isStream else {
            text += summary.trailingText
            return .whole(whole(reason: reason, usage: usage))
        }
        var bytes = summary.trailingText.isEmpty ? [] : show(summary.trailingText)
        switch kind {
        case .chat: bytes += event(delta: ChatCompletionChunk.Delta(), reason: reason)
        case .completion: bytes += event(text: "", reason: reason)
        }
        if includesUsage { bytes += event(usage) }
        return .last(bytes + Array("data: [DONE]\n\n".utf8))
    }
}

extension Reply {
    private func whole(reason: String, usage: Usage) -> HTTPReply {
        switch kind {
        case .chat:
            let choice = ChatCompletionReply.Choice(
                message: ChatCompletionReply.Message(content: text),
                logProbabilities: Nullable(chatLogProbabilities), finishReason: reason)
            return HTTPReply(
                json: ChatCompletionReply(
                    id: identity.id, created: identity.created, model: identity.model,
                    choices: [choice], usage: usage))
        case .completion:
            let choice = CompletionReply.Choice(
                text: text, logProbabilities: Nullable(completionLogProbabilities),
                finishReason: Nullable(reason))
            return HTTPReply(json: completion([choice], usage: Nullable(usage)))
        }
    }

    private var chatLogProbabilities: ChatLogProbabilities? {
        guard hasLogProbabilities, !isStream || !entries.isEmpty else { return nil }
        return ChatLogProbabilities(content: entries.map(\.entry))
    }

    private var completionLogProbabilities: CompletionLogProbabilities? {
        guard hasLogProbabilities, !isStream || !entries.isEmpty else { return nil }
        return entries.reduce(into: CompletionLogProbabilities()) {
            $0.append($1.entry, textOffset: $1.textOffset)
        }
    }

    private func event(delta: ChatCompletionChunk.Delta, reason: String? = nil) -> [UInt8] {
        let choice = ChatCompletionChunk.Choice(
            delta: delta, logProbabilities: Nullable(chatLogProbabilities),
            finishReason: Nullable(reason))
        return event(chunk([choice], usage: includesUsage ? Nullable(nil) : nil))
    }

    private func event(text: String, reason: String? = nil) -> [UInt8] {
        let choice = CompletionReply.Choice(
            text: text, logProbabilities: Nullable(completionLogProbabilities),
            finishReason: Nullable(reason))
        return event(completion([choice], usage: includesUsage ? Nullable(nil) : nil))
    }

    private func event(_ usage: Usage) -> [UInt8] {
        switch kind {
        case .chat: event(chunk([], usage: Nullable(usage)))
        case .completion: event(completion([], usage: Nullable(usage)))
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

    /// A server-sent event (WHATWG HTML, section 9.2); JSON text has no line break inside.
    private func event(_ value: some Encodable) -> [UInt8] {
        Array("data: ".utf8) + JSONBody.encode(value) + Array("\n\n".utf8)
    }
}
