// SPDX-License-Identifier: Apache-2.0

import Cluster
import Testing
import caravan

struct DrainReportTests {
    @Test func aDrainIsDoneOnceAPlanWithoutTheWorkerServes() throws {
        let line = try DrainReport("box9", ShownStatus.busy(stages: 2, streams: 1)).line()
        #expect(line == "worker box9 is drained; plan 3 runs on box0, box1")
    }

    @Test func aDrainThatLeavesNobodyHasFailed() {
        var status = ShownStatus.busy(stages: 0, streams: 1)
        status.detail = "waiting for workers"
        let error = DrainError.noPlan("box9", "waiting for workers")
        #expect(throws: error) { try DrainReport("box9", status).line() }
        #expect(
            error.description
                == "worker box9 is gone, and nothing is served without it: waiting for workers")
    }
}
