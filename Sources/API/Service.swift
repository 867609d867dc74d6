// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
import Platform

/// What is known of a request before its body.
struct RequestHead {
    var method: String
    var path: String
    var authorization: String?
    var host: String?
    /// The page that asks, where a browser says so.
    var origin: String?
    /// What a page would send, where its browser asks first whether it may (a *preflight*).
    var plannedMethod: String?
    var plannedHeaders: String?
    var contentType: String?
    var contentLength: UInt64?
    /// The client waits for a go-ahead before it sends the body.
    var expectsContinue = false
}

/// Decides what to do with a request; others carry it out.
struct Service: Sendable {
    let generator: any TextGenerator
    let apiKey: String?
    /// What the API calls the model, if not by its file's name.
    let modelName: String?
    /// How tokens are drawn for requests that do not say.
    let sampling: SamplingSettings
    /// Where it listens, in lower case, if that is loopback, which only this machine reaches.
    let loopbackHost: String?
    let randomWord: @Sendable () -> UInt64
    /// Seconds since 1970.
    let now: @Sendable () -> Int

    enum Answer {
        case whole(HTTPReply)
        /// One request for each choice, those of a prompt together.
        case generations([GenerationRequest], Reply)
    }

    /// Why a request can be refused before its body is read.
    func refusal(_ head: RequestHead) -> APIError? {
        guard let route = Route(path: head.path) else {
            return .unknownRoute(head.method, head.path)
        }
        if head.isPreflight { return refusalOfPages(head, route) }
        guard route.methods.contains(head.method) else {
            return .wrongMethod(head.method, head.path, allowed: route.methods)
        }
        if route.needsKey, let apiKey, !isAuthorised(head, apiKey: apiKey) { return .unauthorised }
        if let refusal = refusalOfPages(head, route) { return refusal }
        if let length = head.contentLength, length > HTTPLimits.bodyBytesMax { return .bodyTooLong }
        return nil
    }

    func answer(_ head: RequestHead, body: [UInt8]) throws(APIError) -> Answer {
        let route = Route(path: head.path)
        if let route, head.isPreflight { return .whole(preflight(head, route)) }
        switch route {
        case .chatCompletions?:
            return try chat(JSONBody.decode(ChatCompletionRequest.self, body, sampling))
        case .completions?:
            return try completion(JSONBody.decode(CompletionRequest.self, body, sampling))
        case .models?: return .whole(HTTPReply(json: ModelList(data: [modelEntry()])))
        case .model(let name)?:
            try checkModel(name)
            return .whole(HTTPReply(json: modelEntry()))
        case .health?: return .whole(health())
        case .status?: return .whole(HTTPReply(json: statusWithMemory()))
        case .drain?: return .whole(try drain(JSONBody.decode(DrainRequest.self, body)))
        case .metrics?:
            let text = PrometheusText(statusWithMemory()).text
            return .whole(HTTPReply(text: text, contentType: PrometheusText.contentType))
        case nil: throw .unknownRoute(head.method, head.path)
        }
    }

    /// Compares in a time that does not depend on where the first difference is.
    private func isAuthorised(_ head: RequestHead, apiKey: String) -> Bool {
        let given = Array((head.authorization ?? "").utf8)
        let scheme = "bearer "
        // In any case: RFC 9110, section 11.1.
        let begin = String(decoding: given.prefix(scheme.utf8.count), as: UTF8.self).lowercased()
        guard begin == scheme else { return false }
        let key = given.dropFirst(scheme.utf8.count)
        let expected = Array(apiKey.utf8)
        guard key.count == expected.count else { return false }
        return zip(key, expected).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// Looked up here, as it would keep the thread that decides from its steps.
    private func statusWithMemory() -> ClusterStatus {
        var status = generator.status()
        status.coordinatorPrivateBytes = MemoryReading.privateBytes()
        return status
    }

    private func modelEntry() -> ModelEntry {
        ModelEntry(
            id: servedName, created: generator.model.created,
            contextLength: generator.status().contextLength)
    }

    private func health() -> HTTPReply {
        let status = generator.status()
        guard status.state != "ready" else { return HTTPReply(json: ["status": "ok"]) }
        var reply = HTTPReply(
            status: 503, json: ["status": status.state, "reason": status.detail])
        reply.headers.append(HTTPHeader("Retry-After", String(HTTPLimits.retryAfterSeconds)))
        return reply
    }

    private func drain(_ request: DrainRequest) throws(APIError) -> HTTPReply {
        do throws(DrainRefusal) {
            try generator.drain(worker: request.worker)
        } catch {
            throw APIError(error)
        }
        return HTTPReply(status: 202, json: ["worker": request.worker, "state": "draining"])
    }

    private var servedName: String { modelName ?? generator.model.name }

    /// A request without a model means the only one there is.
    private func checkModel(_ name: String?) throws(APIError) {
        guard let name, !["", servedName, generator.model.name].contains(name) else { return }
        throw .unknownModel(name, served: servedName)
    }

    /// An answer that is no stream is kept, with all its log-probabilities, until it is whole.
    private func bounded(
        _ fields: GenerationFields, topCount: Int?, prompts: [[UInt32]]
    ) throws(APIError) -> GenerationFields {
        guard let topCount, !fields.isStream else { return fields }
        var fields = fields
        if fields.tokenCountMax == nil {
            // Pages may hold far less than the context. What they hold is asked for, so that the
            // bound also holds where a later plan has more of them.
            let shortest = prompts.map(\.count).min() ?? 0
            fields.tokenCountMax = max(1, generator.status().contextLength - shortest)
        }
        let most = HTTPLimits.logProbabilityCountMax
        let contextLength = generator.model.contextLength
        // More than the limit is as good as all of it, and keeps the product small.
        let tokenCount = min(fields.tokenCountMax ?? contextLength, contextLength, most + 1)
        let choiceCount = prompts.count * fields.choiceCount
        guard choiceCount * tokenCount * (1 + topCount) <= most else {
            throw .tooManyLogProbabilities
        }
        return fields
    }

    private func chat(_ body: ChatCompletionRequest) throws(APIError) -> Answer {
        try checkModel(body.fields.model)
        let prompt = try PromptEncoder(model: generator.model, now: now()).encode(body.messages)
        return try generation(
            .chat, prompts: [prompt], fields: body.fields, topCount: body.topLogProbabilities)
    }

    private func completion(_ body: CompletionRequest) throws(APIError) -> Answer {
        try checkModel(body.fields.model)
        let encoder = PromptEncoder(model: generator.model, now: now())
        return try generation(
            .completion, prompts: body.prompts.map(encoder.encode), fields: body.fields,
            topCount: body.topLogProbabilities)
    }

    /// A prompt's choices have the seeds that they would have if it came alone; where the client
    /// sent none, prompts are drawn for independently.
    private func generation(
        _ kind: Reply.Kind, prompts: [[UInt32]], fields: GenerationFields, topCount: Int?
    ) throws(APIError) -> Answer {
        let fields = try bounded(fields, topCount: topCount, prompts: prompts)
        let prefix = kind == .chat ? "chatcmpl-" : "cmpl-"
        let identity = Reply.Identity(
            id: prefix + hexadecimal(randomWord()), created: now(), model: servedName)
        let reply = Reply(
            kind: kind, identity: identity, tokenizer: generator.model.tokenizer, fields: fields,
            hasLogProbabilities: topCount != nil, promptCount: prompts.count)
        let requests = prompts.flatMap { prompt in
            let seed = fields.hasSeed ? fields.sampling.seed : randomWord()
            return (0..<fields.choiceCount).map { index in
                var choice = fields.sampling
                choice.seed = seed &+ UInt64(index)
                return GenerationRequest(
                    prompt: prompt, sampling: choice, tokenCountMax: fields.tokenCountMax,
                    stop: fields.stop, topLogProbabilities: topCount,
                    ignoresEnd: fields.ignoresEnd)
            }
        }
        return .generations(requests, reply)
    }

    private func hexadecimal(_ word: UInt64) -> String {
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
