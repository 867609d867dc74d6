// SPDX-License-Identifier: Apache-2.0

import Control
import Testing

struct LocalHopeTests {
    private static let patience = Duration.seconds(120)
    private var hope = LocalHope(patience: patience)

    /// What is said at `seconds`, of a server with or without a plan.
    private mutating func look(
        _ seconds: Int, hasPlan: Bool, isDeserted: Bool = false
    ) -> String? {
        hope.whyNone(
            hasPlan: hasPlan, isDeserted: isDeserted, detail: "12 bytes short",
            now: .seconds(1_000 + seconds))
    }

    /// Two workers, one of which fails under a running plan.
    private mutating func serveAndLose() {
        hope.workerJoined(isLocal: true)
        hope.workerJoined(isLocal: true)
        hope.plansAnew()
        hope.pipelineIsUp()
        #expect(look(0, hasPlan: true) == nil)
        hope.workerEnded("w1 ended with status 9", hasFailed: true)
    }

    @Test mutating func beforeAnythingWasServedOneThatEndsIsEnough() {
        hope.workerJoined(isLocal: true)
        #expect(look(0, hasPlan: false) == nil)
        hope.workerEnded("w1 ended with status 0", hasFailed: false)
        #expect(look(1, hasPlan: false) == "w1 ended with status 0")
    }

    /// The others hold the model.
    @Test mutating func aPlanWithoutItIsHope() {
        hope.workerEnded("w1 ended with status 1", hasFailed: true)
        hope.plansAnew()
        #expect(look(0, hasPlan: true) == nil)
        #expect(look(500, hasPlan: false) == nil)
    }

    @Test mutating func tooFewAreWaitedForAsLongAsRequestsWait() {
        serveAndLose()
        #expect(look(10, hasPlan: false) == nil)
        #expect(look(130, hasPlan: false) == nil)
        #expect(look(131, hasPlan: false) == "12 bytes short: w1 ended with status 9")
    }

    @Test mutating func theWaitBeginsAnewWithEachPlan() {
        serveAndLose()
        #expect(look(10, hasPlan: false) == nil)
        #expect(look(100, hasPlan: true) == nil)
        #expect(look(140, hasPlan: false) == nil)
        #expect(look(260, hasPlan: false) == nil)
        #expect(look(261, hasPlan: false) != nil)
    }

    @Test mutating func nobodyLeftIsTheEndAtOnce() {
        serveAndLose()
        #expect(
            look(1, hasPlan: false, isDeserted: true)
                == "no worker is left: w1 ended with status 9")
    }

    /// They were told to end, as by `drain`.
    @Test mutating func whoeverLeftPolitelyIsNoFailure() {
        hope.workerJoined(isLocal: true)
        hope.plansAnew()
        hope.pipelineIsUp()
        hope.workerEnded("w1 ended with status 0", hasFailed: false)
        #expect(look(500, hasPlan: false, isDeserted: true) == nil)
    }

    @Test mutating func workersFromElsewhereAreWaitedForForEver() {
        serveAndLose()
        hope.workerJoined(isLocal: false)
        #expect(look(1, hasPlan: false) == nil)
        #expect(look(5_000, hasPlan: false) == nil)
        #expect(look(5_001, hasPlan: false, isDeserted: true) == nil)
    }
}
