// SPDX-License-Identifier: Apache-2.0

import Wire

/// A sequence that has a slot.
struct RunningSequence: Sendable {
    let request: SequenceRequest
    let slot: UInt32
    /// Prompt and generated tokens: the durable truth about the sequence.
    private(set) var tokens: [UInt32]
    /// Positions in the KV caches, those of the step in flight included.
    var cachedCount = 0
    /// The candidates did not settle the token: the last row runs again and wants every logit.
    var wantsAllLogits = false
    var isPrefilled = false
    private(set) var sampler: Sampler

    init(_ request: SequenceRequest, slot: UInt32) {
        self.request = request
        self.slot = slot
        tokens = request.prompt
        sampler = Sampler(settings: request.sampling, promptTokens: request.prompt)
    }

    var id: UInt64 { request.id }
    var generatedCount: Int { tokens.count - request.prompt.count }
    var pendingCount: Int { tokens.count - cachedCount }

    mutating func accept(_ token: UInt32) {
        tokens.append(token)
        sampler.accept(token)
        wantsAllLogits = false
    }

    /// Takes the next `count` positions into a step; only the last token's row wants candidates.
    mutating func takeRows(_ count: Int) -> [Row] {
        let positions = cachedCount..<cachedCount + count
        cachedCount += count
        return positions.map { position in
            let want: Row.Want =
                position + 1 < tokens.count ? .nothing : wantsAllLogits ? .allLogits : sampler.want
            return Row(
                slot: slot, position: UInt32(position), token: tokens[position], want: want)
        }
    }
}
