// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Counts the tokens of streams that generate together, from when the last one has begun.
final class DecodeTally: Sendable {
    private struct State {
        var hasBegun: [Bool]
        var counts: [Int]
        var start: Duration?
    }

    private let tokensPerStream: Int
    private let state: Mutex<State>

    init(streams: Int, tokensPerStream: Int) {
        self.tokensPerStream = tokensPerStream
        state = Mutex(
            State(
                hasBegun: Array(repeating: false, count: streams),
                counts: Array(repeating: 0, count: streams)))
    }

    /// Takes a token that came at `now`; the time the measured tokens took, once, with the last.
    func note(stream: Int, at now: Duration) -> Duration? {
        state.withLock { state in
            guard let start = state.start else {
                state.hasBegun[stream] = true
                if state.hasBegun.allSatisfy({ $0 }) { state.start = now }
                return nil
            }
            state.counts[stream] += 1
            let isLast =
                state.counts[stream] == tokensPerStream
                && state.counts.allSatisfy { $0 >= tokensPerStream }
            return isLast ? now - start : nil
        }
    }
}
