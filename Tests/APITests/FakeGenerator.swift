// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
import Dispatch
import Model
import Synchronization
import TestSupport
import Testing

/// A generator that says what a test tells it to, and remembers what it was asked.
final class FakeGenerator: TextGenerator {
    enum Ending: Sendable {
        case finish(FinishReason, trailing: String)
        case fail(GenerationError)
        /// Waits for `cancel`.
        case hold
        /// Says the last token again and again until `cancel`.
        case flood
    }

    struct Script: Sendable {
        var tokens: [GeneratedToken] = []
        var ending = Ending.finish(.stop, trailing: "")
        /// Thrown by `submit`.
        var refusal: GenerationError?
        /// Requests asked for before the queue is full; nil for any count.
        var takenMax: Int?
        /// Says that it waits, so often, before `tokens`.
        var waits = 0
        /// Says the request's seed before `tokens`.
        var saysSeed = false
        /// The request with this seed fails; those with others wait for `cancel`.
        var failingSeed: UInt64?
    }

    private struct State {
        var script = Script()
        var requests: [GenerationRequest] = []
        var startedCount = 0
        var cancelled: Set<RequestID> = []
        var state = "ready"
        var isDraining = false
        var status: ClusterStatus?
    }

    let model: ServedModel
    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "fake", attributes: .concurrent)
    private let cancellations = DispatchSemaphore(value: 0)
    private let submissions = DispatchSemaphore(value: 0)

    init(_ script: Script = Script(), hasTemplate: Bool = true) throws {
        let vocabulary = TinyVocabulary()
        var metadata = Metadata()
        _ = metadata.insert("tokenizer.ggml.model", .string("gpt2"))
        _ = metadata.insert("tokenizer.ggml.pre", .string("smollm"))
        _ = metadata.insert("tokenizer.ggml.tokens", .strings(vocabulary.tokens))
        _ = metadata.insert("tokenizer.ggml.merges", .strings(vocabulary.merges))
        _ = metadata.insert(
            "tokenizer.ggml.token_type", .integers(vocabulary.types.map { Int64($0) }))
        _ = metadata.insert("tokenizer.ggml.eos_token_id", .unsigned(UInt64(vocabulary.end)))
        let template = try ChatTemplate(
            source: TinyVocabulary.chatTemplate, beginningText: "", endText: "<|im_end|>")
        model = ServedModel(
            name: "tiny", tokenizer: try Tokenizer(metadata: metadata),
            chatTemplate: hasTemplate ? .success(template) : nil, contextLength: 4096,
            created: 1_700_000_000)
        state.withLock { $0.script = script }
    }

    /// A script that says each of `texts` as one token, with the ids 97, 98, ….
    static func saying(_ texts: String..., ending: Ending = .finish(.stop, trailing: "")) -> Script
    {
        let tokens = texts.enumerated().map {
            GeneratedToken(id: UInt32(97 + $0.offset), text: $0.element, logProbability: -0.5)
        }
        return Script(tokens: tokens, ending: ending)
    }

    var script: Script {
        get { state.withLock { $0.script } }
        set { state.withLock { $0.script = newValue } }
    }

    var requests: [GenerationRequest] { state.withLock { $0.requests } }

    /// Requests that were not refused.
    var startedCount: Int { state.withLock { $0.startedCount } }

    /// What `status` says from now on.
    func setStatus(_ status: ClusterStatus) { state.withLock { $0.status = status } }

    func setState(_ text: String) { state.withLock { $0.state = text } }

    /// Waits until one more request has been cancelled.
    func awaitCancellation() { wait(for: cancellations, "cancelled") }

    /// Waits until one more request has been submitted.
    func awaitSubmission() { wait(for: submissions, "submitted") }

    private func wait(for semaphore: DispatchSemaphore, _ what: String) {
        guard semaphore.wait(timeout: .now() + TestClient.patience) == .success else {
            Issue.record("no request was \(what)")
            return
        }
    }

    func submit(
        _ requests: [GenerationRequest],
        _ deliver: @escaping @Sendable (Int, GenerationEvent) -> Void
    ) throws(GenerationError) -> [RequestID] {
        let (script, count) = state.withLock { state in
            state.requests += requests
            return (state.script, state.requests.count)
        }
        if let most = script.takenMax, count > most {
            throw .queueFull(waiting: most, retryAfterSeconds: 17)
        }
        if let refusal = script.refusal { throw refusal }
        for request in requests { try check(request) }
        return requests.enumerated().map { place, request in
            let id = RequestID(UInt64(count - requests.count + place + 1))
            start(request, script, id) { deliver(place, $0) }
            return id
        }
    }

    private func check(_ request: GenerationRequest) throws(GenerationError) {
        guard !request.prompt.isEmpty else { throw .emptyPrompt }
        guard request.prompt.count <= model.contextLength else {
            throw .promptTooLong(tokens: request.prompt.count, contextLength: model.contextLength)
        }
        let vocabularyCount = model.tokenizer.vocabularyCount
        if let token = request.prompt.first(where: { $0 >= vocabularyCount }) {
            throw .tokenOutOfRange(token: token, vocabularyCount: vocabularyCount)
        }
    }

    private func start(
        _ request: GenerationRequest, _ script: Script, _ id: RequestID,
        _ deliver: @escaping @Sendable (GenerationEvent) -> Void
    ) {
        state.withLock { $0.startedCount += 1 }
        submissions.signal()
        queue.async { [self] in
            if script.saysSeed {
                let text = "\(request.sampling.seed):"
                deliver(.token(GeneratedToken(id: 96, text: text, logProbability: -0.5)))
            }
            for _ in 0..<script.waits { deliver(.waiting) }
            for token in script.tokens { deliver(.token(token)) }
            var script = script
            if let seed = script.failingSeed {
                script.ending =
                    seed == request.sampling.seed ? .fail(.workerLost("worker b was lost")) : .hold
            }
            end(script, id, promptTokenCount: request.prompt.count, deliver)
        }
    }

    private func end(
        _ script: Script, _ id: RequestID, promptTokenCount: Int,
        _ deliver: @Sendable (GenerationEvent) -> Void
    ) {
        switch script.ending {
        case .finish(let reason, let trailing):
            deliver(
                .finished(
                    GenerationSummary(
                        reason: reason, promptTokenCount: promptTokenCount,
                        generatedTokenCount: script.tokens.count, trailingText: trailing)))
        case .fail(let error): deliver(.failed(error))
        case .hold: break
        case .flood:
            guard let token = script.tokens.last else { return }
            while !state.withLock({ $0.cancelled.contains(id) }) { deliver(.token(token)) }
        }
    }

    func cancel(_ id: RequestID) {
        let isNew = state.withLock { $0.cancelled.insert(id).inserted }
        if isNew { cancellations.signal() }
    }

    /// Knows one worker, `w1`, which can be drained once.
    func drain(worker: String) throws(DrainRefusal) {
        guard worker == "w1" else { throw .unknownWorker(worker, known: ["w1"]) }
        let isNew = state.withLock { state in
            defer { state.isDraining = true }
            return !state.isDraining
        }
        guard isNew else { throw .drainingAlready(worker) }
    }

    func status() -> ClusterStatus {
        if let status = state.withLock({ $0.status }) { return status }
        var status = ClusterStatus(model: model.name, contextLength: 4096, layerCount: 3)
        status.state = state.withLock { $0.state }
        status.detail = status.state == "ready" ? "" : "waiting for 2 workers"
        return status
    }
}
