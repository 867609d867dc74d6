// SPDX-License-Identifier: Apache-2.0

import Cluster
import Testing
import Wire

struct StageTimesTests {
    private func trail(_ compute: UInt32) -> [StageTiming] {
        (0..<2).map {
            StageTiming(
                stage: $0, waitMicroseconds: 1, computeMicroseconds: compute + UInt32($0),
                sendMicroseconds: 3)
        }
    }

    private func step(_ want: Row.Want) -> Step {
        Step(rows: [Row(slot: 0, position: 0, token: 0, want: want)])
    }

    private func compute(_ times: StageTimes) -> Int {
        var status = StageStatus(stage: 1, worker: "", layerStart: 0, layerEnd: 1)
        times.fill(&status)
        return status.computeMicrosecondsPerToken
    }

    @Test func meansAreOverTheLatestDecodeSteps() {
        var times = StageTimes()
        #expect(compute(times) == 0)
        times.noteSent(stepID: 1, step(.nothing))
        _ = times.record(stepID: 1, trail: trail(1_000_000), now: .zero)
        #expect(compute(times) == 0)
        for id in 2..<200 as Range<UInt64> {
            times.noteSent(stepID: id, step(.candidates(count: 1)))
            _ = times.record(
                stepID: id, trail: trail(id < 136 ? 1_000_000 : 99), now: .milliseconds(Int(id)))
        }
        #expect(compute(times) == 100)
        _ = times.record(stepID: 199, trail: trail(1_000_000), now: .seconds(1))
        #expect(compute(times) == 100)
        times.reset()
        #expect(compute(times) == 0)
    }
}
