// SPDX-License-Identifier: Apache-2.0

import Cluster
import Testing

struct RefusalLogTests {
    private let line = "refused a connection from a:1: no"

    @Test func aFewGetALineEach() {
        var log = RefusalLog(lineCountMax: 2, interval: .seconds(10))
        #expect(log.refused("a:1", "no", now: .seconds(100)) == [line])
        #expect(log.refused("a:1", "no", now: .seconds(101)) == [line])
        #expect(log.timeToSummary(now: .seconds(101)) == nil)
        // The interval is over: nothing was left untold, and a new one begins.
        #expect(log.refused("a:1", "no", now: .seconds(110)) == [line])
    }

    @Test func theOthersAreCounted() {
        var log = RefusalLog(lineCountMax: 2, interval: .seconds(10))
        var lines: [String] = []
        for _ in 0..<1000 { lines += log.refused("a:1", "no", now: .seconds(3)) }
        #expect(lines == [line, line])
        #expect(log.timeToSummary(now: .seconds(5)) == .seconds(8))
        #expect(log.tick(now: .seconds(12)) == [])
        #expect(log.tick(now: .seconds(13)) == ["refused 998 more connections within 10 s"])
        #expect(log.tick(now: .seconds(30)) == [])
        #expect(log.timeToSummary(now: .seconds(30)) == nil)
        #expect(log.refused("a:1", "no", now: .seconds(30)) == [line])
    }

    @Test func aSummaryComesBeforeTheNextLine() {
        var log = RefusalLog(lineCountMax: 1, interval: .seconds(10))
        for _ in 0..<3 { _ = log.refused("a:1", "no", now: .zero) }
        #expect(
            log.refused("a:1", "no", now: .seconds(60)) == [
                "refused 2 more connections within 10 s", line,
            ])
    }
}
