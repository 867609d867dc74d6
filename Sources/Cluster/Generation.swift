// SPDX-License-Identifier: Apache-2.0

package import Control

/// What a client asks for: a prompt as token ids and how to continue it.
package struct GenerationRequest: Sendable {
    package var prompt: [UInt32]
    package var sampling: SamplingSettings
    /// Most tokens to generate, fewer where context or pages end before; nil for as many as they
    /// hold.
    package var tokenCountMax: Int?
    /// Generation ends before any of these texts; it is not emitted.
    package var stop: [String]
    /// Alternatives to report with each token, 0...20; nil for no log-probabilities at all.
    package var topLogProbabilities: Int?
    /// Goes on past end-of-generation tokens (benchmarks).
    package var ignoresEnd: Bool

    package init(
        prompt: [UInt32], sampling: SamplingSettings = SamplingSettings(),
        tokenCountMax: Int? = nil, stop: [String] = [], topLogProbabilities: Int? = nil,
        ignoresEnd: Bool = false
    ) {
        self.prompt = prompt
        self.sampling = sampling
        self.tokenCountMax = tokenCountMax
        self.stop = stop
        self.topLogProbabilities = topLogProbabilities
        self.ignoresEnd = ignoresEnd
    }
}

/// What happens to a request, in order; the last event is `finished` or `failed`.
package enum GenerationEvent: Sendable {
    /// One token; `text` is what can be shown now (whole characters only, perhaps empty).
    case token(GeneratedToken)
    /// Nothing has come for a while, and more will: the request is queued, or its layers are being
    /// moved away from a lost worker.
    case waiting
    case finished(GenerationSummary)
    case failed(GenerationError)
}

/// One generated token and the text that it completes.
package struct GeneratedToken: Sendable {
    package var id: UInt32
    /// What there is to show now: it may lag behind, as long as a stop text may have begun.
    package var text: String
    /// Unicode scalars of the token itself, which are shown now or later.
    package var scalarCount: Int
    package var logProbability: Float
    /// The likeliest alternatives as asked for, most likely first.
    package var alternatives: [TokenAlternative]

    /// Without `scalarCount` nothing is held back.
    package init(
        id: UInt32, text: String, scalarCount: Int? = nil, logProbability: Float,
        alternatives: [TokenAlternative] = []
    ) {
        self.id = id
        self.text = text
        self.scalarCount = scalarCount ?? text.unicodeScalars.count
        self.logProbability = logProbability
        self.alternatives = alternatives
    }
}

/// A token that could have come instead.
package struct TokenAlternative: Sendable {
    package var id: UInt32
    /// The token's own bytes, which may be part of a character.
    package var bytes: [UInt8]
    package var logProbability: Float

    package init(id: UInt32, bytes: [UInt8], logProbability: Float) {
        self.id = id
        self.bytes = bytes
        self.logProbability = logProbability
    }
}

/// How a request ended.
package struct GenerationSummary: Sendable {
    package var reason: FinishReason
    package var promptTokenCount: Int
    package var generatedTokenCount: Int
    /// Text that was held back (a possible beginning of a stop text) and turned out to be output.
    package var trailingText: String
    /// From submission to the first token, waiting included.
    package var prefillDuration: Duration
    /// From the first token to the last.
    package var decodeDuration: Duration

    package init(
        reason: FinishReason, promptTokenCount: Int, generatedTokenCount: Int,
        trailingText: String = "", prefillDuration: Duration = .zero,
        decodeDuration: Duration = .zero
    ) {
        self.reason = reason
        self.promptTokenCount = promptTokenCount
        self.generatedTokenCount = generatedTokenCount
        self.trailingText = trailingText
        self.prefillDuration = prefillDuration
        self.decodeDuration = decodeDuration
    }
}

/// Why a request could not be served.
package enum GenerationError: Error, Sendable, Equatable, CustomStringConvertible {
    case emptyPrompt
    case promptTooLong(tokens: Int, contextLength: Int)
    case tokenOutOfRange(token: UInt32, vocabularyCount: Int)
    case queueFull(waiting: Int, retryAfterSeconds: Int)
    case notReady(String)
    /// The layers were not back in time.
    case workerLost(String)
    /// Weights or what is computed with them are beyond what numbers can hold.
    case notANumber
    case shuttingDown

    package var description: String {
        switch self {
        case .emptyPrompt: "the prompt is empty; send at least one token"
        case .promptTooLong(let tokens, let contextLength):
            // Programs look for the first words, which are OpenAI's.
            "this model's maximum context length is \(contextLength) tokens, and the prompt has "
                + "\(tokens); shorten it, or serve with a larger --context or --kv-memory if the "
                + "model and the memory allow it"
        case .tokenOutOfRange(let token, let count):
            "token \(token) is not one of this model's \(count); "
                + "make the ids with this model's tokenizer"
        case .queueFull(let waiting, let seconds):
            "\(waiting) requests are waiting already; retry in \(seconds) s"
        case .notReady(let reason): "the cluster is not ready: \(reason)"
        case .workerLost(let what): "\(what); retry"
        case .notANumber:
            "the model computes no number for the next token; its file may be damaged where it was "
                + "made: fetch or convert it again"
        case .shuttingDown: "the server is shutting down"
        }
    }
}

/// Something that turns prompts into tokens: the coordinator, or a stand-in in tests.
package protocol TextGenerator: AnyObject, Sendable {
    var model: ServedModel { get }
    /// Queues requests, all or none, such as the choices of one answer: what they have in common is
    /// computed once. Events come with the request's place, one after another on a thread of the
    /// generator's, and must not block; after `cancel` at most one that is already under way comes.
    /// Throws at once what can be known at once: `emptyPrompt`, `promptTooLong`, `queueFull`,
    /// `notReady`, `shuttingDown`.
    func submit(
        _ requests: [GenerationRequest],
        _ deliver: @escaping @Sendable (Int, GenerationEvent) -> Void
    ) throws(GenerationError) -> [RequestID]
    /// Frees the request's slot; without effect when it has ended already.
    func cancel(_ id: RequestID)
    func status() -> ClusterStatus
    /// Begins to move a worker's layers to the others, after which it may go; `worker` is its name
    /// or its address for data links. The status shows how it goes on. Throws why it can't be.
    func drain(worker: String) throws(DrainRefusal)
}

extension TextGenerator {
    /// Queues one request.
    package func submit(
        _ request: GenerationRequest, _ deliver: @escaping @Sendable (GenerationEvent) -> Void
    ) throws(GenerationError) -> RequestID {
        guard let id = try submit([request], { deliver($1) }).first else { throw .shuttingDown }
        return id
    }
}

/// Names a submitted request, for `cancel`.
package struct RequestID: Sendable, Hashable {
    package var value: UInt64

    package init(_ value: UInt64) { self.value = value }
}
