// SPDX-License-Identifier: Apache-2.0

import Wire

/// What a sequence is wherever it stands: its tokens, and how the next one is drawn.
///
/// KV caches can be rebuilt from this alone, and the tokens that follow are the same: the random
/// numbers are a function of the seed and of how many tokens there are.
struct DurableSequence: Sendable {
    let request: SequenceRequest
    /// Prompt and generated tokens: the durable truth about the sequence.
    private(set) var tokens: [UInt32]
    private(set) var sampler: Sampler
    /// The candidates did not settle the token: the last row runs again and wants every logit.
    var wantsAllLogits = false
    /// Whether the shell has heard that the prompt is through.
    var isPrefilled = false
    /// Pipelines that went down under it since its latest token.
    var lossCount = 0

    /// `neighbour` came with it, and may be a choice of the same request.
    init(_ request: SequenceRequest, neighbour: DurableSequence? = nil) {
        self.request = request
        tokens = request.prompt
        let isSibling = neighbour?.request.prompt == request.prompt
        sampler = Sampler(
            settings: request.sampling, promptTokens: request.prompt,
            sibling: isSibling ? neighbour?.sampler : nil)
    }

    var id: UInt64 { request.id }
    var generatedCount: Int { tokens.count - request.prompt.count }

    /// What the row of the newest token asks for.
    var want: Row.Want { wantsAllLogits ? .allLogits : sampler.want }

    mutating func accept(_ token: UInt32) {
        tokens.append(token)
        sampler.accept(token)
        wantsAllLogits = false
        lossCount = 0
    }

    func finished(_ reason: FinishReason) -> SchedulerDirective {
        .finished(
            id: id, reason, promptTokenCount: request.prompt.count,
            generatedTokenCount: generatedCount)
    }
}
