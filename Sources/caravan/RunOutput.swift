// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
import Platform

/// What `caravan run` has got so far, and its JSON form.
struct RunOutput {
    private var document: Document
    private(set) var isFinished = false

    /// The keys of `run --json`.
    private struct Document: Encodable {
        var promptTokens: [UInt32]
        var tokens: [UInt32] = []
        var logProbabilities: [Float] = []
        var text = ""
        var finishReason = ""
        /// From submission to the first token.
        var prefillTokensPerSecond = 0.0
        /// From the first token to the last; 0 with fewer than two tokens.
        var decodeTokensPerSecond = 0.0
    }

    init(promptTokens: [UInt32]) { document = Document(promptTokens: promptTokens) }

    /// Takes the next event and returns the text to show. Throws what failed the request.
    mutating func take(_ event: GenerationEvent) throws -> String {
        switch event {
        case .token(let token):
            document.tokens.append(token.id)
            document.logProbabilities.append(token.logProbability)
            document.text += token.text
            return token.text
        case .waiting: return ""
        case .finished(let summary):
            isFinished = true
            document.text += summary.trailingText
            document.finishReason = summary.reason.rawValue
            document.prefillTokensPerSecond = rate(
                summary.promptTokenCount, summary.prefillDuration)
            document.decodeTokensPerSecond = rate(
                max(0, document.tokens.count - 1), summary.decodeDuration)
            return summary.trailingText
        case .failed(let error): throw error
        }
    }

    func json() throws -> String { try document.json() }

    private func rate(_ count: Int, _ time: Duration) -> Double {
        time > .zero ? (Double(count) / time.seconds).rounded(toPlaces: 2) : 0
    }
}
