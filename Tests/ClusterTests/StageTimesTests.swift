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

    /// A row of each slot.
    private func step(_ wants: Row.Want...) -> Step {
        Step(rows: wants.enumerated().map { row(0, $1, slot: UInt32($0)) })
    }

    private func row(_ position: UInt32, _ want: Row.Want, slot: UInt32 = 0) -> Row {
        Row(slot: slot, position: position, token: 0, want: want)
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

    @Test func meansAreOverStepsOfOneSequence() {
        var times = StageTimes(now: .zero)
        decode(&times, 0..<10, from: .zero, each: .seconds(1))
        #expect(compute(times) == 0)
        times.noteSent(stepID: 10, step(.candidates(count: 1)), now: .seconds(10))
        times.record(stepID: 10, trail: trail(99), now: .seconds(11))
        decode(&times, 11..<20, from: .seconds(11), each: .seconds(1))
        #expect(compute(times) == 100)
        #expect(status(times).stages[1].waitMicrosecondsPerToken == 1)
        #expect(status(times).stages[1].sendMicrosecondsPerToken == 3)
        decode(&times, 20..<84, from: .seconds(20), each: .seconds(1))
        #expect(compute(times) == 0)
    }

    @Test func aStepsLoadIsKnownWhereItOnlyDecoded() {
        var times = StageTimes(now: .zero)
        func passage(_ id: UInt64) -> StageTimes.Passage? {
            times.record(stepID: id, trail: trail(5), now: .seconds(1))
        }
        func send(_ id: UInt64, _ step: Step) { times.noteSent(stepID: id, step, now: .zero) }
        send(
            1, Step(rows: [row(8, .candidates(count: 1)), row(5, .candidates(count: 1), slot: 1)]))
        let first = passage(1)
        #expect(first?.load == .decode(streams: 2, depth: 6) && first?.isAlone == true)
        send(2, Step(rows: [row(8, .nothing), row(9, .candidates(count: 1))]))
        let second = passage(2)
        #expect(second?.promptRowCount == 1 && second?.load == nil)
        send(3, step(.candidates(count: 1)))
        send(4, step(.candidates(count: 1)))
        for id: UInt64 in [3, 4] {
            let passage = passage(id)
            #expect(passage?.load?.rowCount == 1 && passage?.isAlone == false)
        }
        send(5, Step(rows: []))
        let fifth = passage(5)
        #expect(fifth != nil && fifth?.load == nil)
    }

    // MARK: The measured rate

    /// Steps of two rows, each sent when the one before has come back.
    private func decode(
        _ times: inout StageTimes, _ ids: Range<UInt64>, from start: Duration, each time: Duration
    ) {
        for (index, id) in ids.enumerated() {
            let sent = start + time * index
            times.noteSent(
                stepID: id, step(.candidates(count: 1), .candidates(count: 1)), now: sent)
            times.record(stepID: id, trail: trail(5), now: sent + time)
        }
    }

    /// Ten steps of a second, and after a pause ten of half a second: forty rows in 15 seconds.
    @Test func measuredRateLeavesPausesOut() {
        var times = StageTimes(now: .zero)
        decode(&times, 0..<10, from: .zero, each: .seconds(1))
        #expect(abs(status(times).measuredTokensPerSecond - 2) < 1e-9)
        decode(&times, 10..<20, from: .seconds(60), each: .milliseconds(500))
        #expect(abs(status(times).measuredTokensPerSecond - 40.0 / 15) < 1e-9)
        #expect(status(times).measuredRowsPerStep == 2)
    }

    /// Three rows of one sequence, two of which were guessed, and one of these right.
    @Test func onlyRightGuessesAreTokens() {
        var times = StageTimes(now: .zero)
        let rows = (4..<7).map { row($0, .candidates(count: 1)) }
        times.noteSent(stepID: 1, Step(rows: rows), now: .zero)
        let passage = times.record(stepID: 1, trail: trail(5), now: .seconds(1))
        times.gave(tokenCount: 2)
        let load = StepLoad(rowCount: 3, wantingCount: 3, depth: 5, sequenceCount: 1)
        #expect(passage?.load == load)
        let status = status(times)
        #expect(status.measuredTokensPerSecond == 2)
        #expect(status.measuredRowsPerStep == 3)
        #expect(status.measuredTokensPerStep == 2)
        // Of 6 µs for two tokens.
        #expect(status.stages[1].computeMicrosecondsPerToken == 3)
        #expect(status.stages[1].sendMicrosecondsPerToken == 1)
        // A row that leaves its draw open takes time and gives nothing.
        times.noteSent(stepID: 2, step(.candidates(count: 1)), now: .seconds(1))
        times.record(stepID: 2, trail: trail(5), now: .seconds(2))
        times.gave(tokenCount: 0)
        #expect(self.status(times).measuredTokensPerSecond == 1)
        #expect(self.status(times).stages[1].computeMicrosecondsPerToken == 6)
    }

    /// What the coordinator takes between two steps is part of generating: 6 rows in 3.02 seconds.
    @Test func measuredRateHasTheTimeBetweenSteps() {
        var times = StageTimes(now: .zero)
        for id in 0..<3 as Range<UInt64> {
            decode(&times, id..<id + 1, from: .milliseconds(1010 * Int64(id)), each: .seconds(1))
        }
        #expect(abs(status(times).measuredTokensPerSecond - 6 / 3.02) < 1e-9)
    }

    /// Of a model so large that each of its steps takes seconds.
    @Test func slowStepsHaveARate() {
        var times = StageTimes(now: .zero)
        #expect(status(times).measuredTokensPerSecond == 0)
        decode(&times, 0..<3, from: .seconds(5), each: .milliseconds(6200))
        #expect(abs(status(times).measuredTokensPerSecond - 2 / 6.2) < 1e-9)
    }

    /// A step with a prompt's rows before each that only decodes, both sent at once: of five
    /// seconds the second one takes one.
    @Test func measuredRateLeavesPromptsOut() {
        var times = StageTimes(now: .zero)
        for index in 0..<10 as Range<UInt64> {
            let start = Duration.seconds(5 * Int64(index))
            let (mixed, pure) = (2 * index, 2 * index + 1)
            times.noteSent(stepID: mixed, step(.candidates(count: 1), .nothing), now: start)
            times.noteSent(stepID: pure, step(.candidates(count: 1)), now: start)
            times.record(stepID: mixed, trail: trail(5), now: start + .seconds(4))
            times.record(stepID: pure, trail: trail(5), now: start + .seconds(5))
        }
        #expect(abs(status(times).measuredTokensPerSecond - 1) < 1e-9)
        #expect(status(times).measuredRowsPerStep == 1)
    }

    /// Each takes 200 ms and one comes back every 100: 48 rows in 4.9 seconds.
    @Test func measuredRateIsThatOfOverlappingSteps() {
        var times = StageTimes(now: .zero)
        for id in 0..<50 as Range<UInt64> {
            let now = Duration.milliseconds(100 * Int64(id))
            if id >= 2 { times.record(stepID: id - 2, trail: trail(5), now: now) }
            times.noteSent(stepID: id, step(.candidates(count: 1)), now: now)
        }
        #expect(abs(status(times).measuredTokensPerSecond - 48 / 4.9) < 1e-9)
    }

    // MARK: Shares

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
        #expect(status.stages.allSatisfy { ($0.utilisation ?? 0) > 0.98 })
        #expect(status.flow.busyShare > 0.98)
        #expect((status.flow.bubbleShare ?? 1) < 0.02)
    }

    /// A step of 20 seconds, in which two stages compute for five each, and another one.
    @Test func stepOnItsWayIsNoIdleness() {
        var times = StageTimes(now: .zero)
        times.noteSent(stepID: 1, step(.candidates(count: 1)), now: .seconds(20))
        #expect(status(times, now: .seconds(25)).flow.busyShare == 0.5)
        let early = status(times, now: .seconds(30))
        #expect(early.flow.busyShare == 1)
        #expect(early.flow.bubbleShare == nil)
        #expect(early.stages.allSatisfy { $0.utilisation == nil })
        times.record(stepID: 1, trail: trail(5_000_000), now: .seconds(40))
        let back = status(times, now: .seconds(40))
        #expect(back.flow.busyShare == 1)
        #expect(back.flow.bubbleShare == 0.75)
        #expect(back.stages.allSatisfy { $0.utilisation == 0.25 })
        times.noteSent(stepID: 2, step(.candidates(count: 1)), now: .seconds(40))
        let late = status(times, now: .seconds(59))
        #expect(late.flow.busyShare == 1)
        #expect(late.flow.bubbleShare == nil)
        #expect(late.stages.allSatisfy { $0.utilisation == 0.25 })
        times.record(stepID: 2, trail: trail(5_000_000), now: .seconds(60))
        let idle = status(times, now: .seconds(90))
        #expect(idle.flow.busyShare == 0)
        #expect(idle.stages.allSatisfy { $0.utilisation == 0 })
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
