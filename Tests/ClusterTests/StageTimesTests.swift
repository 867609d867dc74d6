// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
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

    private func step(_ wants: Row.Want...) -> Step { Step(rows: wants.map { row(0, $0) }) }

    private func row(_ position: UInt32, _ want: Row.Want) -> Row {
        Row(slot: 0, position: position, token: 0, want: want)
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

    @Test func onlyDecodeStepsThatWereAloneAreUndisturbed() {
        var times = StageTimes(now: .zero)
        func passage(_ id: UInt64) -> StageTimes.Passage? {
            times.record(stepID: id, trail: trail(5), now: .seconds(1))
        }
        func send(_ id: UInt64, _ step: Step) { times.noteSent(stepID: id, step, now: .zero) }
        send(1, Step(rows: [row(8, .candidates(count: 1)), row(5, .candidates(count: 1))]))
        #expect(passage(1)?.undisturbed == .decode(streams: 2, depth: 6))
        send(2, Step(rows: [row(8, .nothing), row(9, .candidates(count: 1))]))
        #expect(passage(2)?.undisturbed == nil)
        send(3, step(.candidates(count: 1)))
        send(4, step(.candidates(count: 1)))
        #expect(passage(3)?.undisturbed == nil)
        #expect(passage(4)?.undisturbed == nil)
        send(5, Step(rows: []))
        #expect(passage(5)?.undisturbed == nil)
    }

    /// Ten steps of two rows, a second apart, and the same again after a pause, twice as fast.
    @Test func measuredRateIsThatOfTheLatestStretch() {
        var times = StageTimes(now: .zero)
        var id: UInt64 = 0
        func run(from start: Duration, every interval: Duration) {
            for index in 0..<10 {
                id += 1
                let now = start + interval * index
                times.noteSent(
                    stepID: id, step(.candidates(count: 1), .candidates(count: 1)), now: now)
                times.record(stepID: id, trail: trail(5), now: now)
            }
        }
        run(from: .zero, every: .seconds(1))
        #expect(abs(status(times).measuredTokensPerSecond - 2) < 1e-9)
        run(from: .seconds(60), every: .milliseconds(500))
        #expect(abs(status(times).measuredTokensPerSecond - 4) < 1e-9)
        #expect(status(times).measuredRowsPerStep == 2)
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
