// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
import Platform
import Testing
import Wire

/// Everything a request brought, to be compared bit for bit.
struct Generated: Equatable {
    var ids: [UInt32] = []
    var text = ""
    var logProbabilityBits: [UInt32] = []
    var alternativeIDs: [[UInt32]] = []
    var alternativeBits: [[UInt32]] = []
    var reason: FinishReason?
    var error: GenerationError?
}

/// A request under way.
final class TestRequest {
    let id: RequestID
    private let events: Mailbox<GenerationEvent>
    private var result = Generated()
    /// Times that it was told that it still waits.
    private(set) var waitingCount = 0

    init(
        _ generator: Coordinator, _ request: GenerationRequest
    ) throws(GenerationError) {
        let events = Mailbox<GenerationEvent>(capacity: 10_000)
        self.events = events
        id = try generator.submit(request) { events.offer($0) }
    }

    /// One whose events come through `events`.
    init(id: RequestID, events: Mailbox<GenerationEvent>) {
        self.id = id
        self.events = events
    }

    /// Waits for one more event; false after the last.
    func advance() -> Bool {
        guard let event = events.take(timeout: TestCluster.patience) else {
            Issue.record("no event came")
            return false
        }
        switch event {
        case .token(let token):
            result.ids.append(token.id)
            result.text += token.text
            result.logProbabilityBits.append(token.logProbability.bitPattern)
            result.alternativeIDs.append(token.alternatives.map(\.id))
            result.alternativeBits.append(token.alternatives.map(\.logProbability.bitPattern))
            return true
        case .waiting:
            waitingCount += 1
            return true
        case .finished(let summary):
            result.text += summary.trailingText
            result.reason = summary.reason
            #expect(summary.generatedTokenCount == result.ids.count)
        case .failed(let error): result.error = error
        }
        return false
    }

    func finish() -> Generated {
        while advance() {}
        return result
    }

    /// Whether nothing more has come by now, but for words that it still waits.
    var isSilent: Bool {
        while let event = events.take(timeout: .zero) {
            guard case .waiting = event else { return false }
        }
        return true
    }
}

extension Coordinator {
    func generate(_ request: GenerationRequest) throws -> Generated {
        try TestRequest(self, request).finish()
    }

    /// All of them at once, as one answer's choices.
    func generate(choices: [GenerationRequest]) throws -> [Generated] {
        let events = choices.map { _ in Mailbox<GenerationEvent>(capacity: 10_000) }
        let ids = try submit(choices) { events[$0].offer($1) }
        return zip(ids, events).map { TestRequest(id: $0, events: $1).finish() }
    }
}

extension GenerationRequest {
    /// A prompt of `length` tokens that differ with `seed`; seed 0 decodes greedily.
    static func test(
        length: Int = 37, count: Int = 24, seed: UInt64 = 0
    ) -> GenerationRequest {
        var settings = SamplingSettings()
        settings.temperature = seed == 0 ? 0 : 0.9
        settings.topP = seed == 0 ? 1 : 0.95
        settings.seed = seed
        let prompt = (0..<length).map { UInt32(($0 * 7 + Int(seed) * 13 + 3) % 250) }
        return GenerationRequest(
            prompt: prompt, sampling: settings, tokenCountMax: count, topLogProbabilities: 5,
            ignoresEnd: true)
    }
}

extension Coordinator {
    /// A coordinator that computes in this process, ready to serve.
    static func inProcess(
        _ model: LoadedModel, slotCount: Int = 4, threadCount: Int = 1,
        cacheType: CacheType = .f16
    ) throws -> Coordinator {
        let coordinator = try Coordinator(
            model: model,
            configuration: CoordinatorConfiguration(
                placement: .inProcess(threadCount: threadCount),
                security: TestCluster.security, contextLength: model.served.contextLength,
                slotCount: slotCount,
                cacheDirectory: "", cacheType: cacheType))
        guard case .ready = coordinator.awaitReady(until: { false }, progress: { _ in }) else {
            throw GenerationError.notReady("the in-process stage did not load")
        }
        return coordinator
    }
}
