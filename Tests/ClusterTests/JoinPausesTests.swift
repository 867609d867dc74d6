// SPDX-License-Identifier: Apache-2.0

import Cluster
import Testing

struct JoinPausesTests {
    @Test func aCoordinatorThatNeverAnsweredIsGivenUp() {
        var pauses = JoinPauses(patience: .seconds(60), now: .seconds(100))
        #expect(pauses.next(now: .seconds(100)) == .milliseconds(250))
        #expect(pauses.next(now: .seconds(159)) == .milliseconds(500))
        #expect(pauses.next(now: .seconds(160)) == nil)
    }

    @Test func oneThatAnsweredOnceIsTriedForEverAtGrowingIntervals() {
        var pauses = JoinPauses(patience: nil, now: .zero)
        let found = (0..<1000).map { pauses.next(now: .seconds($0 * 3600)) }
        #expect(found.prefix(3) == [.milliseconds(250), .milliseconds(500), .seconds(1)])
        #expect(found.dropFirst(3).allSatisfy { $0 == ClusterLimits.joinRetryIntervalMax })
    }
}
