// SPDX-License-Identifier: Apache-2.0

import Control
import Testing

struct SilenceTests {
    private static let gapMax = Duration.milliseconds(500)

    /// Looks every 100 ms, from `start` on for as long as the silence is shorter than 3 s; when it
    /// was no more.
    private func noticed(_ silence: inout Silence, from start: Duration) -> Duration {
        var now = start
        while silence.length(now: now) < .seconds(3) { now += .milliseconds(100) }
        return now
    }

    @Test func whoLooksOftenMeasuresTrueTime() {
        var silence = Silence(gapMax: Self.gapMax, now: .seconds(10))
        silence.heard(at: .seconds(11))
        #expect(noticed(&silence, from: .milliseconds(10_100)) == .seconds(14))
    }

    /// Stopped for a minute one second into the silence: of that minute half a second counts.
    @Test func aStopOfTheListenerIsNoSilence() {
        var silence = Silence(gapMax: Self.gapMax, now: .zero)
        for tenth in 1...10 { _ = silence.length(now: .milliseconds(tenth * 100)) }
        #expect(silence.length(now: .seconds(61)) == .milliseconds(1500))
        #expect(noticed(&silence, from: .seconds(61)) == .milliseconds(62_500))
    }

    /// What came before the stop, or during it, is older than what counts of it.
    @Test func whatCameMeanwhileChangesNothing() {
        var silence = Silence(gapMax: Self.gapMax, now: .zero)
        #expect(silence.length(now: .seconds(60)) == Self.gapMax)
        for second in [0, 30, 59] { silence.heard(at: .seconds(second)) }
        #expect(silence.length(now: .seconds(60)) == Self.gapMax)
        silence.heard(at: .seconds(60))
        #expect(silence.length(now: .seconds(60)) == .zero)
    }

    /// Of a stop in which something came, it is not known when: nothing of it counts.
    @Test func somethingCameDuringTheStop() {
        var silence = Silence(gapMax: Self.gapMax, now: .zero)
        silence.heard(at: .seconds(3))
        #expect(silence.length(now: .seconds(60)) == .zero)
        #expect(noticed(&silence, from: .seconds(60)) == .seconds(63))
    }

    /// Even where every look is late the silent are found out.
    @Test func aStarvedListenerNoticesLater() {
        var silence = Silence(gapMax: Self.gapMax, now: .zero)
        let lengths = (1...6).map { silence.length(now: .seconds($0)) }
        #expect(lengths == (1...6).map { Self.gapMax * $0 })
    }

    @Test func withoutABoundAllTimeCounts() {
        var silence = Silence(gapMax: nil, now: .zero)
        #expect(silence.length(now: .seconds(61)) == .seconds(61))
    }
}
