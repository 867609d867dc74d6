// SPDX-License-Identifier: Apache-2.0

import Control
import Testing

struct SlidingSumTests {
    @Test func nothingBeforeTheStart() {
        var sum = SlidingSum(start: .seconds(100))
        #expect(sum.sum(now: .seconds(100)) == 0)
        #expect(sum.perSecond(now: .seconds(100)) == 0)
        // A span that reaches back before the start counts wholly: the amount came in since then.
        sum.add(4, over: .seconds(50), endingAt: .seconds(102))
        #expect(sum.sum(now: .seconds(102)) == 4)
        #expect(sum.perSecond(now: .seconds(102)) == 2)
        // A clock that stands still or goes back harms nothing.
        sum.add(1, endingAt: .seconds(99))
        #expect(sum.sum(now: .seconds(99)) == 5)
    }

    @Test func slidesOut() {
        var sum = SlidingSum(start: .zero)
        for second in 0..<30 { sum.add(3, endingAt: .seconds(second) + .milliseconds(500)) }
        // Ten whole seconds and the one that runs.
        #expect(sum.sum(now: .seconds(29) + .milliseconds(600)) == 33)
        #expect(sum.perSecond(now: .seconds(29) + .milliseconds(500)) == 33 / 10.5)
        #expect(sum.sum(now: .seconds(35)) == 15)
        #expect(sum.sum(now: .seconds(40)) == 0)
        #expect(sum.perSecond(now: .seconds(10_000)) == 0)
        sum.add(1, endingAt: .seconds(10_000))
        #expect(sum.sum(now: .seconds(10_000)) == 1)
    }

    @Test func longSpansAreSpreadAndCutAtTheWindow() {
        var sum = SlidingSum(start: .zero)
        // 100 s of work that end now: of them the window holds what falls into it.
        sum.add(100, over: .seconds(100), endingAt: .seconds(200))
        #expect(sum.sum(now: .seconds(200)) == 10)
        #expect(sum.perSecond(now: .seconds(200)) == 1)
        #expect(sum.sum(now: .seconds(205)) == 5)
    }
}

struct RecentDurationsTests {
    @Test func percentilesByNearestRank() {
        var durations = RecentDurations()
        #expect(durations.percentiles([0.5, 0.99]) == [0, 0])
        durations.add(.milliseconds(7))
        #expect(durations.percentiles([0, 0.5, 1]) == [7000, 7000, 7000])
        durations = RecentDurations()
        for value in (1...100).reversed() { durations.add(.microseconds(value)) }
        #expect(durations.percentiles([0.5, 0.9, 0.99, 1]) == [50, 90, 99, 100])
        #expect(durations.count == 100)
        #expect(durations.total == .microseconds(5050))
    }

    @Test func oldOnesAreForgottenButCounted() {
        var durations = RecentDurations()
        for _ in 0..<5000 { durations.add(.seconds(3)) }
        for _ in 0..<RecentDurations.countMax { durations.add(.microseconds(2)) }
        #expect(durations.percentiles([0.5, 1]) == [2, 2])
        #expect(durations.count == 5000 + RecentDurations.countMax)
        durations.add(.seconds(100_000))
        durations.add(.seconds(-1))
        #expect(durations.percentiles([0, 1]) == [0, Int(UInt32.max)])
    }
}

struct ServiceRateTests {
    @Test func unknownUntilASlotIsFree() {
        var rate = ServiceRate()
        #expect(rate.retryAfterSeconds(waiting: 1, now: .seconds(5)) == 60)
        rate.note(isBusy: true, now: .seconds(5))
        #expect(rate.retryAfterSeconds(waiting: 1, now: .seconds(9)) == 60)
        rate.freedSlot(now: .seconds(9))
        #expect(rate.perSecond(now: .seconds(9)) == 0.25)
        #expect(rate.retryAfterSeconds(waiting: 3, now: .seconds(9)) == 12)
    }

    @Test func staysWithinItsBounds() {
        var rate = ServiceRate()
        rate.note(isBusy: true, now: .zero)
        for tick in 1...200 { rate.freedSlot(now: .milliseconds(10 * tick)) }
        let now = Duration.seconds(2)
        #expect(rate.retryAfterSeconds(waiting: 0, now: now) == 1)
        #expect(rate.retryAfterSeconds(waiting: 250, now: now) == 3)
        #expect(rate.retryAfterSeconds(waiting: 1_000_000, now: now) == 60)
    }

    @Test func idleTimeDoesNotCountAndOldTimesAreForgotten() throws {
        var rate = ServiceRate()
        rate.note(isBusy: true, now: .zero)
        for second in 1...100 { rate.freedSlot(now: .seconds(second)) }
        rate.note(isBusy: false, now: .seconds(100))
        rate.note(isBusy: false, now: .seconds(5000))
        #expect(rate.perSecond(now: .seconds(9000)) == 1)
        rate.note(isBusy: true, now: .seconds(9000))
        for tick in 1...ServiceRate.slotsMax {
            rate.freedSlot(now: .seconds(9000) + .milliseconds(100 * tick))
        }
        let now = Duration.seconds(9000) + .milliseconds(100 * ServiceRate.slotsMax)
        #expect(abs(try #require(rate.perSecond(now: now)) - 10) < 1e-9)
    }
}
