// SPDX-License-Identifier: Apache-2.0

import Control
import Platform
package import Wire

/// How long a token was in coming.
package enum TokenTiming: Equatable {
    /// The first of a request, since its submission.
    case first(Duration)
    /// Since the one before, or its share of that where several came at once.
    case next(Duration)
}

/// All that a status says of speed, gathered as it happens.
///
/// Time is an argument. A token or a step costs a few additions and allocates nothing.
package struct ClusterCounters {
    private let start: Duration
    private var times: StageTimes
    private var service = ServiceRate()
    private var promptRate: SlidingSum
    private var generatedRate: SlidingSum
    private var firstTokens = RecentDurations()
    private var interTokens = RecentDurations()
    private var promptTokens = 0
    private var generatedTokens = 0
    private var requestsServed = 0

    package init(now: Duration) {
        start = now
        times = StageTimes(now: now)
        promptRate = SlidingSum(start: now)
        generatedRate = SlidingSum(start: now)
    }

    /// A pipeline is up or down: what the stages of an earlier one did no longer counts.
    package mutating func pipelineChanged(now: Duration) { times.reset(now: now) }

    package mutating func sent(stepID: UInt64, _ step: Step, now: Duration) {
        times.noteSent(stepID: stepID, step, now: now)
    }

    /// What came of a step; nil where it was not on its way.
    @discardableResult
    package mutating func arrived(
        stepID: UInt64, trail: [StageTiming], now: Duration
    ) -> StageTimes.Passage? {
        guard let passage = times.record(stepID: stepID, trail: trail, now: now) else { return nil }
        notePrompt(rows: passage.promptRowCount, over: passage.time, now: now)
        return passage
    }

    /// The latest step, of decode rows alone, gave so many tokens.
    package mutating func gave(tokenCount: Int) { times.gave(tokenCount: tokenCount) }

    /// A prompt's last row has come back, which is a row like any that gives a token.
    package mutating func prefilled(now: Duration) { notePrompt(rows: 1, over: .zero, now: now) }

    package mutating func token(_ timing: TokenTiming, now: Duration) {
        generatedTokens += 1
        generatedRate.add(1, endingAt: now)
        switch timing {
        case .first(let time): firstTokens.add(time)
        case .next(let time): interTokens.add(time)
        }
    }

    package mutating func finished(now: Duration) {
        requestsServed += 1
        service.freedSlot(now: now)
    }

    /// The client of a request that had a slot has left.
    package mutating func cancelled(now: Duration) { service.freedSlot(now: now) }

    /// Whether any request waits or runs from `now` on.
    package mutating func note(isBusy: Bool, now: Duration) {
        service.note(isBusy: isBusy, now: now)
    }

    /// What a request that finds `waiting` before it and no room is told.
    package func retryAfterSeconds(waiting: Int, now: Duration) -> Int {
        service.retryAfterSeconds(waiting: waiting, now: now)
    }

    /// `status` has its stages and its count of waiting requests already.
    package func fill(_ status: inout ClusterStatus, now: Duration) {
        times.fill(&status, now: now)
        status.requestsServed = requestsServed
        status.tokensGenerated = generatedTokens
        status.promptTokens = promptTokens
        status.uptimeSeconds = (now - start).seconds.rounded(toPlaces: 3)
        status.retryAfterSeconds = retryAfterSeconds(waiting: status.waiting, now: now)
        status.flow.promptTokensPerSecond = promptRate.perSecond(now: now).rounded(toPlaces: 2)
        status.flow.generatedTokensPerSecond =
            generatedRate.perSecond(now: now).rounded(toPlaces: 2)
        status.flow.timeToFirstToken = LatencyStatus(firstTokens)
        status.flow.interTokenTime = LatencyStatus(interTokens)
    }

    private mutating func notePrompt(rows: Int, over time: Duration, now: Duration) {
        guard rows > 0 else { return }
        promptTokens += rows
        promptRate.add(Double(rows), over: time, endingAt: now)
    }
}
