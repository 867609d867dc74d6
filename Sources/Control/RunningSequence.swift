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
    /// What may follow its tokens, while a step computes it.
    private(set) var guesses: [UInt32] = []
    /// Guesses that were right of those in the latest step.
    private var rightCount = 0
    /// How many are worth a try: about as many as were right.
    private var guessCountMax = Self.firstGuessCountMax
    /// Steps in a row whose guesses were all wrong, and steps to go without any for that.
    private var missCount = 0
    private var pauseCount = 0
    /// The latest step that carries a row of it.
    var lastStepID: UInt64 = 0

    init(_ durable: DurableSequence, slot: UInt32, admission: UInt64) {
        self.durable = durable
        self.slot = slot
        self.admission = admission
    }

    var id: UInt64 { durable.id }
    /// Tokens that are in no step yet, guesses among them; none while candidates are awaited.
    var pendingCount: Int { durable.tokens.count + guesses.count - cachedCount }
    /// Positions in the KV caches that are known to be those of its tokens, once the steps in
    /// flight are through.
    var settledCount: Int { min(cachedCount, durable.tokens.count) }

    /// Whether all of its prompt is in steps but the last row, which wants all logits.
    var lacksAllLogits: Bool {
        !isDecoding && leader == nil && awaited == nil && pendingCount == 1
            && durable.want == .allLogits
    }

    private static let firstGuessCountMax = 3
    /// The pause after a miss is twice as long each time, so many times.
    private static let missCountMax = 5

    /// Guesses at most `countMax` tokens, for the step that carries the newest token's row.
    mutating func guess(countMax: Int) {
        rightCount = 0
        guesses = []
        guard countMax > 0, durable.want != .allLogits else { return }
        pauseCount -= 1
        guard pauseCount < 0 else { return }
        guesses = PromptLookup.tokens(after: durable.tokens, count: min(countMax, guessCountMax))
    }

    /// The first guess is the newest token by now.
    mutating func guessWasRight() {
        guesses.removeFirst()
        rightCount += 1
        missCount = 0
        if guesses.isEmpty { guessCountMax = max(guessCountMax, 2 * rightCount) }
    }

    /// The first guess is not the newest token, so those after it are worth nothing.
    mutating func guessWasWrong() {
        dropGuesses()
        guessCountMax = rightCount + 1
        guard rightCount == 0 else { return }
        missCount = min(missCount + 1, Self.missCountMax)
        pauseCount = 1 << missCount
    }

    /// Whether they are right will not be known from this step.
    mutating func dropGuesses() { guesses = [] }

    /// Takes the next `count` positions into step `stepID`; only the rows of the newest token and
    /// of guesses want candidates.
    mutating func takeRows(_ count: Int, stepID: UInt64) -> [Row] {
        let positions = cachedCount..<cachedCount + count
        // Those that found no place in the step.
        guesses.removeLast(min(guesses.count, pendingCount - count))
        cachedCount += count
        lastStepID = stepID
        return positions.map { position in
            let known = durable.tokens.count
            return Row(
                slot: slot, position: UInt32(position),
                token: position < known ? durable.tokens[position] : guesses[position - known],
                want: position + 1 < known ? .nothing : durable.want)
        }
    }
}
