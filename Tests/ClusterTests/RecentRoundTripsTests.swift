// SPDX-License-Identifier: Apache-2.0

import Cluster
import Testing

@Suite struct RecentRoundTripsTests {
    @Test func oneSlowEchoChangesNothing() {
        var trips = RecentRoundTrips()
        #expect(trips.least == nil)
        trips.add(300)
        trips.add(40_000)
        #expect(trips.least == 300)
        trips.add(0)
        #expect(trips.least == 1)
    }

    @Test func aLongerWayShowsOnceTheLastShortOneIsOld() {
        var trips = RecentRoundTrips()
        trips.add(200)
        for _ in 1..<RecentRoundTrips.countMax { trips.add(5000) }
        #expect(trips.least == 200)
        trips.add(6000)
        #expect(trips.least == 5000)
        for _ in 0..<RecentRoundTrips.countMax { trips.add(7000) }
        #expect(trips.least == 7000)
    }
}
