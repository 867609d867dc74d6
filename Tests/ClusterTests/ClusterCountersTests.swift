// SPDX-License-Identifier: Apache-2.0

import Cluster
import Testing
import Wire

struct ClusterCountersTests {
    private func status(_ counters: ClusterCounters, now: Duration) -> ClusterStatus {
        var status = ClusterStatus(model: "m", contextLength: 1, layerCount: 1)
        status.waiting = 7
        counters.fill(&status, now: now)
        return status
    }

    @Test func promptAndGeneratedTokensAreCountedOnce() {
        var counters = ClusterCounters(now: .seconds(10))
        let rows = (0..<40).map {
            Row(slot: 0, position: $0, token: 0, want: $0 < 39 ? .nothing : .candidates(count: 1))
        }
        counters.sent(stepID: 1, Step(rows: rows), now: .seconds(11))
        #expect(self.status(counters, now: .seconds(11.5)).promptTokens == 0)
        counters.arrived(stepID: 1, trail: [], now: .seconds(12))
        // Twice, or for another step, it counts for nothing.
        counters.arrived(stepID: 1, trail: [], now: .seconds(12))
        counters.arrived(stepID: 9, trail: [], now: .seconds(12))
        counters.prefilled(now: .seconds(12))
        counters.token(.first(.seconds(2)), now: .seconds(12))
        counters.token(.next(.milliseconds(30)), now: .seconds(12))
        counters.token(.next(.milliseconds(50)), now: .seconds(12))
        let status = status(counters, now: .seconds(14))
        #expect(status.promptTokens == 40)
        #expect(status.tokensGenerated == 3)
        #expect(status.flow.promptTokensPerSecond == 10)
        #expect(status.flow.generatedTokensPerSecond == 0.75)
        #expect(status.flow.timeToFirstToken.p50Microseconds == 2_000_000)
        #expect(status.flow.interTokenTime.p50Microseconds == 30_000)
        #expect(status.flow.interTokenTime.p99Microseconds == 50_000)
        #expect(status.flow.interTokenTime.count == 2)
        #expect(status.uptimeSeconds == 4)
    }

    /// After a loss what is known of a sequence is computed once more, which is work as before.
    @Test func tokensComputedAgainCountAgain() {
        var counters = ClusterCounters(now: .zero)
        let rows = (0..<10).map { Row(slot: 0, position: $0, token: 0, want: .nothing) }
        for start in [1, 3] {
            counters.sent(stepID: 1, Step(rows: rows), now: .seconds(start))
            counters.arrived(stepID: 1, trail: [], now: .seconds(start + 1))
            counters.pipelineChanged(now: .seconds(start + 1))
        }
        #expect(status(counters, now: .seconds(5)).promptTokens == 20)
        #expect(status(counters, now: .seconds(5)).flow.promptTokensPerSecond == 4)
    }

    @Test func retryAfterFollowsTheCompletions() {
        var counters = ClusterCounters(now: .zero)
        #expect(status(counters, now: .zero).retryAfterSeconds == 60)
        counters.note(isBusy: true, now: .zero)
        for second in 1...4 { counters.finished(now: .seconds(2 * second)) }
        let status = status(counters, now: .seconds(8))
        #expect(status.retryAfterSeconds == 14)
        #expect(status.requestsServed == 4)
    }

    /// Whoever waits gets the slot of one who left as well as that of one who was served.
    @Test func retryAfterCountsTheSlotsOfThoseWhoLeft() {
        var counters = ClusterCounters(now: .zero)
        counters.note(isBusy: true, now: .zero)
        for second in 1...6 {
            if second % 3 == 0 {
                counters.cancelled(now: .seconds(second))
            } else {
                counters.finished(now: .seconds(second))
            }
        }
        let status = status(counters, now: .seconds(6))
        #expect(status.retryAfterSeconds == 7)
        #expect(status.requestsServed == 4)
    }
}

struct RecentEventsTests {
    @Test func keepsTheLatest() {
        var events = RecentEvents()
        #expect(events.status(now: .zero).isEmpty)
        for index in 0..<80 { events.note(.joined, "w\(index)", now: .seconds(index)) }
        let shown = events.status(now: .seconds(100))
        #expect(shown.count == RecentEvents.countMax)
        #expect(shown.first?.text == "w79" && shown.first?.secondsAgo == 21)
        #expect(shown.last?.text == "w30")
    }
}

struct DataTrafficTests {
    private func beat(received: UInt64, sent: UInt64) -> Heartbeat {
        Heartbeat(
            stepCount: 0, rowCount: 0, computeMicroseconds: 0, waitMicroseconds: 0,
            sendMicroseconds: 0, residentBytes: 0, roundTripMicroseconds: 0,
            receivedBytes: received, sentBytes: sent)
    }

    @Test func ratesAreOverTheLatestHeartbeats() {
        var traffic = DataTraffic()
        #expect(traffic.receivedPerSecond(now: .seconds(5)) == 0)
        traffic.note(beat(received: 1 << 40, sent: 0), now: .seconds(5))
        #expect(traffic.receivedPerSecond(now: .seconds(5)) == 0)
        for second in 1...40 as ClosedRange<UInt64> {
            traffic.note(
                beat(received: (1 << 40) + 1000 * second, sent: 10 * second),
                now: .seconds(5 + Int64(second)))
        }
        #expect(traffic.receivedPerSecond(now: .seconds(45)) == 1000)
        #expect(traffic.sentPerSecond(now: .seconds(45.5)) == 10)
        traffic.note(beat(received: 0, sent: .max), now: .seconds(46))
        #expect(traffic.receivedPerSecond(now: .seconds(46)) < 1000)
        #expect(traffic.sentPerSecond(now: .seconds(46)) == 1_000_000_000_000_000)
    }
}
