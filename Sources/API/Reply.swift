// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
import Model

/// Turns the events of a request's generations, one for each choice, into one answer, whole or
/// streamed.
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
        /// Every choice is finished, and `whole` says the answer; only without `stream`.
        case complete
        /// An error instead of the answer; only without `stream`.
        case whole(HTTPReply)
    }

    /// What has been generated for one of the choices.
    struct Choice {
        let index: Int
        var text = ""
        /// Of all its tokens, shown or not.
        var scalarCount = 0
        /// Tokens and alternatives to them in `entries`, of an answer that is no stream.
        var logProbabilityCount = 0
        var entries: [(entry: ChatLogProbabilities.Entry, textOffset: Int)] = []
        /// nil while it is being generated.
        var finishReason: String?
        var hasFailed = false
        var promptTokenCount = 0
        var tokenCount = 0

        var isOpen: Bool { finishReason == nil && !hasFailed }
    }

    let kind: Kind
    let identity: Identity
    let tokenizer: Tokenizer
    let isStream: Bool
    let includesUsage: Bool
    let hasLogProbabilities: Bool

    /// Those of a prompt together.
    private var choices: [Choice]
    private let promptCount: Int

    init(
        kind: Kind, identity: Identity, tokenizer: Tokenizer, fields: GenerationFields,
        hasLogProbabilities: Bool, promptCount: Int = 1
    ) {
        self.kind = kind
        self.identity = identity
        self.tokenizer = tokenizer
        isStream = fields.isStream
        includesUsage = fields.includesUsage
        self.hasLogProbabilities = hasLogProbabilities
        self.promptCount = promptCount
        choices = (0..<promptCount * fields.choiceCount).map { Choice(index: $0) }
    }

    /// Whether a generation still works for this answer.
    var hasOpenChoices: Bool { choices.contains(where: \.isOpen) }

    /// Whether writing the whole answer would keep others waiting.
    var takesLong: Bool {
        // A token with its bytes and its number, as JSON.
        let logProbabilityBytes = 64
        let byteCount = choices.reduce(0) {
            $0 + $1.text.utf8.count + $1.logProbabilityCount * logProbabilityBytes
        }
        return byteCount > HTTPLimits.answerWriteBytesMax
    }

    var promptParameter: String { kind == .chat ? "messages" : "prompt" }

    /// What a stream begins with, before any token.
    func opening() -> [UInt8] {
        guard isStream, kind == .chat else { return [] }
        return choices.flatMap {
            event($0, delta: ChatCompletionChunk.Delta(role: "assistant", content: ""))
        }
    }

    /// What the generation of the choice at `index` says.
    mutating func apply(_ event: GenerationEvent, choice index: Int) -> Step {
        switch event {
        case .token(let token): return .more(append(token, to: &choices[index]))
        // A comment (WHATWG HTML, section 9.2.6): clients ignore it, and nobody in between takes
        // the connection for dead.
        case .waiting: return .more(isStream ? Array(": waiting\n\n".utf8) : [])
        case .finished(let summary): return finish(summary, choice: index)
        case .failed(let error):
            choices[index].hasFailed = true
            return fail(APIError(error, parameter: promptParameter))
        }
    }

    /// The answer, once it is complete.
    func whole() -> HTTPReply { whole(choices, usage: usage) }

    /// Ends the answer with an error: as a whole answer, or as the last event of a stream.
    func fail(_ error: APIError) -> Step {
        isStream ? .last(event(error)) : .whole(HTTPReply(error))
    }

    private func append(_ token: GeneratedToken, to choice: inout Choice) -> [UInt8] {
        if hasLogProbabilities {
            let bytes = tokenizer.bytes(of: token.id, showSpecial: true)
            let entry = ChatLogProbabilities.Entry(
                token: ScoredToken(bytes: bytes, logProbability: token.logProbability),
                alternatives: token.alternatives.map {
                    ScoredToken(bytes: $0.bytes, logProbability: $0.logProbability)
                })
            choice.entries.append((entry, choice.scalarCount))
            choice.logProbabilityCount += 1 + entry.alternatives.count
        }
        choice.scalarCount += token.scalarCount
        return show(token.text, in: &choice)
    }

    /// Adds `shown` to the choice; the event that carries it where the answer is a stream.
    private func show(_ shown: String, in choice: inout Choice) -> [UInt8] {
        guard isStream else {
            choice.text += shown
            return []
        }
        guard !shown.isEmpty || !choice.entries.isEmpty else { return [] }
        defer { choice.entries.removeAll(keepingCapacity: true) }
        return switch kind {
        case .chat: event(choice, delta: ChatCompletionChunk.Delta(content: shown))
        case .completion: event(choice, text: shown)
        }
    }

    private mutating func finish(_ summary: GenerationSummary, choice index: Int) -> Step {
        choices[index].promptTokenCount = summary.promptTokenCount
        choices[index].tokenCount = summary.generatedTokenCount
        let trailing = summary.trailingText
        let reason = summary.reason.rawValue
        guard isStream else {
            choices[index].text += trailing
            choices[index].finishReason = reason
            return hasOpenChoices ? .more([]) : .complete
        }
        var bytes = trailing.isEmpty ? [] : show(trailing, in: &choices[index])
        switch kind {
        case .chat:
            bytes += event(choices[index], delta: ChatCompletionChunk.Delta(), reason: reason)
        case .completion: bytes += event(choices[index], text: "", reason: reason)
        }
        choices[index].finishReason = reason
        guard !hasOpenChoices else { return .more(bytes) }
        if includesUsage { bytes += event(usage) }
        return .last(bytes + Array("data: [DONE]\n\n".utf8))
    }

    /// Each prompt counts once, whatever number of choices share it.
    private var usage: Usage {
        Usage(
            promptTokens: choices.reduce(0) { $0 + $1.promptTokenCount }
                / (choices.count / promptCount),
            completionTokens: choices.reduce(0) { $0 + $1.tokenCount })
    }
}
