// SPDX-License-Identifier: Apache-2.0

import Cluster
import Testing
import Wire

struct StageTimesTests {
    private func trail(_ compute: UInt32, stages: UInt16 = 2) -> [StageTiming] {
        (0..<stages).map {
            StageTiming(
                stage: $0, waitMicroseconds: 1, computeMicroseconds: compute + UInt32($0),
                sendMicroseconds: 3)
        }
    }

    private func step(_ wants: Row.Want...) -> Step {
        Step(rows: wants.map { Row(slot: 0, position: 0, token: 0, want: $0) })
    }

    private func status(_ times: StageTimes, now: Duration = .zero) -> ClusterStatus {
        var status = ClusterStatus(model: "m", contextLength: 1, layerCount: 2)
        status.stages = (0..<2).map {
            StageStatus(stage: $0, worker: "", layerStart: 0, layerEnd: 1)
        }
        times.fill(&status, now: now)
        return status
    }

    private func compute(_ times: StageTimes) -> Int {
        status(times).stages[1].computeMicrosecondsPerToken
    }

    @Test func meansAreOverTheLatestDecodeSteps() {
        var times = StageTimes(now: .zero)
        #expect(compute(times) == 0)
        times.noteSent(stepID: 1, step(.candidates(count: 1), .nothing), now: .zero)
        times.record(stepID: 1, trail: trail(1_000_000), now: .zero)
        #expect(compute(times) == 0)
        for id in 2..<200 as Range<UInt64> {
            times.noteSent(stepID: id, step(.candidates(count: 1)), now: .zero)
            times.record(stepID: id, trail: trail(id < 136 ? 1_000_000 : 99), now: .zero)
        }
        #expect(compute(times) == 100)
        // A step that was never sent, or has come back already, counts for nothing.
        times.record(stepID: 199, trail: trail(1_000_000), now: .zero)
        times.record(stepID: 777, trail: trail(1_000_000), now: .zero)
        #expect(compute(times) == 100)
        times.reset(now: .zero)
        #expect(compute(times) == 0)
    }

    /// One step at a time through two stages: each computes half of the time, one after the other.
    @Test func oneStepAtATimeLeavesHalfABubble() {
        var times = StageTimes(now: .zero)
        for index in 0..<100 {
            let sent = Duration.milliseconds(200 * index)
            times.noteSent(stepID: UInt64(index), step(.candidates(count: 1)), now: sent)
            times.record(
                stepID: UInt64(index), trail: trail(50_000), now: sent + .milliseconds(100))
        }
        // Sent every 200 ms, back after 100: busy for half of the time.
        let now = Duration.seconds(20)
        let status = status(times, now: now)
        #expect(status.stages.map(\.utilisation) == [0.25, 0.25])
        #expect(abs(status.flow.busyShare - 0.5) < 0.001)
        #expect(abs((status.flow.bubbleShare ?? 1) - 0.5) < 0.001)
        #expect(abs(status.flow.stepsPerSecond - 5) < 0.01)
        #expect(status.flow.stepTime.p99Microseconds == 100_000)
        #expect(status.flow.stepTime.count == 100)
        #expect(self.status(times, now: now + .seconds(60)).flow.bubbleShare == nil)
    }

    /// Two steps on their way at any moment: both stages compute all the time.
    @Test func overlappingStepsFillTheBubble() {
        var times = StageTimes(now: .zero)
        for index in 0..<200 {
            let sent = Duration.milliseconds(100 * index)
            times.noteSent(stepID: UInt64(index), step(.candidates(count: 1)), now: sent)
            guard index > 0 else { continue }
            times.record(
                stepID: UInt64(index - 1), trail: trail(100_000),
                now: sent + .milliseconds(100) - .microseconds(1))
        }
        let status = status(times, now: .seconds(20))
        #expect(status.stages.allSatisfy { $0.utilisation > 0.98 })
        #expect(status.flow.busyShare > 0.98)
        #expect((status.flow.bubbleShare ?? 1) < 0.02)
    }

    @Test func stageThatDoesNotExistIsIgnored() {
        var times = StageTimes(now: .zero)
        times.noteSent(stepID: 1, step(.candidates(count: 1)), now: .zero)
        let strange = StageTiming(
            stage: .max, waitMicroseconds: 1, computeMicroseconds: .max, sendMicroseconds: .max)
        times.record(stepID: 1, trail: [strange], now: .seconds(1))
        let status = status(times, now: .seconds(1))
        #expect(status.stages.map(\.utilisation) == [0, 0])
        #expect(status.flow.bubbleShare == 1)
    }
}
