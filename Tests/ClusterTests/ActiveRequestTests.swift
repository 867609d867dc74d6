// SPDX-License-Identifier: Apache-2.0

import Cluster
import Model
import Platform
import Testing

/// What whoever asked hears while nothing comes.
struct ActiveRequestTests {
    private let heard = Mailbox<GenerationEvent>(capacity: 100)
    private var request: ActiveRequest

    init() throws {
        let file = try TestModelFile(layers: 1)
        request = ActiveRequest(
            .test(), tokenizer: file.model.served.tokenizer, now: .seconds(100)
        ) { [heard] in heard.offer($0) }
    }

    /// The kinds of events since the last look.
    private func news() -> [String] {
        var kinds: [String] = []
        while let event = heard.take(timeout: .zero) {
            switch event {
            case .token: kinds.append("token")
            case .waiting: kinds.append("waiting")
            case .finished: kinds.append("finished")
            case .failed: kinds.append("failed")
            }
        }
        return kinds
    }

    @Test mutating func itIsToldThatItWaitsWheneverNothingHasComeForAWhile() {
        let interval = Duration.seconds(5)
        let moments: [(milliseconds: Int, isToken: Bool, heard: [String])] = [
            (104_999, false, []), (105_000, false, ["waiting"]), (109_900, false, []),
            (109_950, true, ["token"]), (114_949, false, []), (114_950, false, ["waiting"]),
            (119_949, false, []), (119_950, false, ["waiting"]),
        ]
        for moment in moments {
            let now = Duration.milliseconds(moment.milliseconds)
            if moment.isToken {
                _ = request.take(7, logProbability: -1, alternatives: [], now: now)
            } else {
                request.reassure(after: interval, now: now)
            }
            #expect(news() == moment.heard, "at \(now)")
        }
    }

    /// Tokens that show nothing, such as special ones after `ignore_eos`, keep no connection alive.
    @Test mutating func hiddenTokensAreNotHeard() throws {
        let file = try TestModelFile(layers: 1)
        let hidden = try #require(file.model.served.tokenizer.endOfGeneration.first)
        for second in 101..<106 {
            _ = request.take(
                hidden, logProbability: -1, alternatives: [], now: .seconds(second))
            request.reassure(after: .seconds(5), now: .seconds(second))
        }
        #expect(news() == [String](repeating: "token", count: 5) + ["waiting"])
    }

    /// A token counts by what it adds, whatever is held back for a stop text that may have begun.
    @Test mutating func heldTextCountsWithItsToken() throws {
        let file = try TestModelFile(layers: 1)
        let tokenizer = file.model.served.tokenizer
        let token = try #require(
            tokenizer.encode("a", parseSpecial: false, addBeginning: false).first)
        var request = GenerationRequest.test()
        request.stop = ["ab"]
        var active = ActiveRequest(request, tokenizer: tokenizer, now: .zero) { [heard] in
            heard.offer($0)
        }
        _ = active.take(token, logProbability: -1, alternatives: [], now: .zero)
        guard case .token(let first)? = heard.take(timeout: .zero) else {
            Issue.record("no token")
            return
        }
        #expect(first.text.isEmpty && first.scalarCount == 1)
    }

    /// Three that a step gives at once took a third of it each, and the next one its own time.
    @Test mutating func tokensThatComeAtOnceShareTheTime() {
        let arrivals = [(103, 1), (109, 3), (109, 2), (109, 1), (111, 1)]
        let timings = arrivals.map { second, count in
            let now = Duration.seconds(second)
            let timing = request.timing(now: now, among: count)
            _ = request.take(7, logProbability: -1, alternatives: [], now: now, among: count)
            return timing
        }
        let next = [2, 2, 2, 2].map { TokenTiming.next(.seconds($0)) }
        #expect(timings == [.first(.seconds(3))] + next)
    }

    /// Of a loss it hears at once, however lately it heard something else.
    @Test mutating func itIsToldAtOnceWhenTheIntervalIsNothing() {
        request.reassure(after: .zero, now: .seconds(100))
        request.reassure(after: .zero, now: .seconds(100))
        #expect(news() == ["waiting", "waiting"])
    }
}
