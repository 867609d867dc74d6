// SPDX-License-Identifier: Apache-2.0

import Wire

/// A sequence that has a slot.
struct RunningSequence: Sendable {
    var durable: DurableSequence
    let slot: UInt32
    /// Tells this stay in a slot from every other, those of the same sequence included.
    let admission: UInt64
    /// Positions in the KV caches, those of steps in flight included.
    var cachedCount = 0
    /// Whether candidates have come back since the admission: from here on a row a token.
    var isDecoding = false
    /// The stay of the sequence that computes the same tokens, while this one waits for them
    /// without a position of its own.
    var leader: UInt64?
    /// Another's stay which is computing what this one begins with too, and how many positions of
    /// it this one waits for.
    var awaited: (admission: UInt64, length: Int)?
    /// The latest step that carries a row of it.
    var lastStepID: UInt64 = 0

    init(_ durable: DurableSequence, slot: UInt32, admission: UInt64) {
        self.durable = durable
        self.slot = slot
        self.admission = admission
    }

    var id: UInt64 { durable.id }
    /// Tokens that are in no step yet; none while candidates are awaited.
    var pendingCount: Int { durable.tokens.count - cachedCount }

    /// Whether all of its prompt is in steps but the last row, which wants all logits.
    var lacksAllLogits: Bool {
        !isDecoding && leader == nil && awaited == nil && pendingCount == 1
            && durable.want == .allLogits
    }

    /// Takes the next `count` positions into step `stepID`; only the newest token's row wants
    /// candidates.
    mutating func takeRows(_ count: Int, stepID: UInt64) -> [Row] {
        let positions = cachedCount..<cachedCount + count
        cachedCount += count
        lastStepID = stepID
        return positions.map { position in
            let isNewest = position + 1 == durable.tokens.count
            return Row(
                slot: slot, position: UInt32(position), token: durable.tokens[position],
                want: isNewest ? durable.want : .nothing)
        }
    }
}
