// SPDX-License-Identifier: Apache-2.0

import Cluster
import Testing

@Suite struct OutageTests {
    @Test func isOverWithTheLastStream() {
        var outage = Outage(streams: [3, 5], now: .seconds(10))
        outage.noteForwarded(promptRowCount: 40)
        #expect(outage.noteAlive(4, now: .seconds(11)) == nil)
        #expect(outage.noteAlive(3, now: .milliseconds(10_200)) == nil)
        // Its second token says nothing new.
        #expect(outage.noteAlive(3, now: .milliseconds(10_250)) == nil)
        outage.noteForwarded(promptRowCount: 2)
        #expect(
            outage.noteAlive(5, now: .milliseconds(10_340))
                == "2 streams go on 340 ms after the pipeline went down; 42 rows of known "
                + "tokens were prefilled meanwhile")
        #expect(outage.noteAlive(5, now: .seconds(12)) == nil)
    }

    @Test func secondLossBelongsToTheFirst() {
        var outage = Outage(streams: [1, 2], now: .zero)
        #expect(outage.noteAlive(1, now: .seconds(1)) == nil)
        outage.repeated(streams: [1, 2, 6])
        #expect(outage.noteAlive(2, now: .seconds(2)) == nil)
        #expect(outage.noteAlive(6, now: .seconds(2)) == nil)
        let line = outage.noteAlive(1, now: .milliseconds(2_500))
        let start = "3 streams go on 2.5 s after the pipeline went down; 0 rows"
        #expect(line?.hasPrefix(start) == true)
    }

    @Test func streamThatGivesUpIsNeitherWaitedForNorCounted() {
        var outage = Outage(streams: [8, 9], now: .zero)
        #expect(outage.noteGone(7) == nil)
        #expect(outage.noteAlive(8, now: .seconds(1)) == nil)
        let start = "1 stream goes on 1 s after the pipeline went down"
        #expect(outage.noteGone(9)?.hasPrefix(start) == true)
    }

    @Test func allThatFailedDoNotGoOn() {
        var outage = Outage(streams: [8, 9], now: .zero)
        #expect(outage.noteGone(8) == nil)
        #expect(outage.noteGone(9)?.hasPrefix("no stream goes on") == true)
    }
}
