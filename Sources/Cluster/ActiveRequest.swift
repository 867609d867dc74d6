// SPDX-License-Identifier: Apache-2.0

package import Control
package import Model
import Platform

/// A request on its way: turns its tokens into events for whoever asked.
package struct ActiveRequest {
    private let deliver: @Sendable (GenerationEvent) -> Void
    private let tokenizer: Tokenizer
    private var decoder: StreamingDecoder
    private var stops: StopMatcher
    private let promptTokenCount: Int
    private var generatedTokenCount = 0
    private let submitted: Duration
    private var firstToken: Duration?
    private var lastToken: Duration?
    /// When there was last something to write, text or word that it waits.
    private var lastHeard: Duration

    package init(
        _ request: GenerationRequest, tokenizer: Tokenizer, now: Duration,
        deliver: @escaping @Sendable (GenerationEvent) -> Void
    ) {
        self.deliver = deliver
        self.tokenizer = tokenizer
        decoder = StreamingDecoder(tokenizer: tokenizer)
        stops = StopMatcher(request.stop)
        promptTokenCount = request.prompt.count
        submitted = now
        lastHeard = now
    }

    /// How long a token that comes now was in coming; as the first of `count` that come at once it
    /// took its share of the time.
    package func timing(now: Duration, among count: Int = 1) -> TokenTiming {
        lastToken.map { .next((now - $0) / count) } ?? .first(now - submitted)
    }

    func status(id: UInt64, isRunning: Bool, now: Duration) -> StreamStatus {
        let passed = (now - (firstToken ?? now)).seconds
        let rate = passed > 0 ? Double(generatedTokenCount - 1) / passed : 0
        return StreamStatus(
            id: id, state: !isRunning ? .waiting : firstToken != nil ? .generating : .prefill,
            promptTokens: promptTokenCount, generatedTokens: generatedTokenCount,
            tokensPerSecond: max(0, rate).rounded(toPlaces: 2),
            ageSeconds: (now - submitted).seconds.rounded(toPlaces: 3))
    }

    /// Delivers a token, the first of `count` that come at once; true when the text has reached a
    /// stop text and generation is to end.
    package mutating func take(
        _ token: UInt32, logProbability: Float, alternatives: [TokenLogProbability], now: Duration,
        among count: Int = 1
    ) -> Bool {
        firstToken = firstToken ?? now
        lastToken = lastToken.map { $0 + (now - $0) / count } ?? now
        generatedTokenCount += 1
        let whole = decoder.append(token)
        let text = stops.append(whole)
        if !text.isEmpty { lastHeard = now }
        let choices = alternatives.map {
            TokenAlternative(
                id: $0.id, bytes: tokenizer.bytes(of: $0.id, showSpecial: true),
                logProbability: $0.logProbability)
        }
        deliver(
            .token(
                GeneratedToken(
                    id: token, text: text, scalarCount: whole.unicodeScalars.count,
                    logProbability: logProbability, alternatives: choices)))
        return stops.isStopped
    }

    mutating func finish(_ reason: FinishReason) {
        let held = stops.append(decoder.finish()) + stops.finish()
        let first = firstToken ?? submitted
        deliver(
            .finished(
                GenerationSummary(
                    reason: stops.isStopped ? .stop : reason, promptTokenCount: promptTokenCount,
                    generatedTokenCount: generatedTokenCount, trailingText: held,
                    prefillDuration: first - submitted,
                    decodeDuration: (lastToken ?? first) - first)))
    }

    /// Says that nothing is lost when nothing has been said for `interval`.
    package mutating func reassure(after interval: Duration, now: Duration) {
        guard now - lastHeard >= interval else { return }
        lastHeard = now
        deliver(.waiting)
    }

    func fail(_ error: GenerationError) { deliver(.failed(error)) }
}
