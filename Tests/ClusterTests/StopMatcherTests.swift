// SPDX-License-Identifier: Apache-2.0

import Cluster
import Testing

struct StopMatcherTests {
    private func run(_ stops: [String], _ pieces: [String]) -> (shown: [String], rest: String) {
        var matcher = StopMatcher(stops)
        return (pieces.map { matcher.append($0) }, matcher.finish())
    }

    @Test func withoutStopTextsNothingIsHeld() {
        let (shown, rest) = run([], ["a", "b"])
        #expect(shown == ["a", "b"])
        #expect(rest == "")
        #expect(run([""], ["a"]).shown == ["a"])
    }

    @Test func aStopTextOverSeveralPiecesIsCutOut() {
        let (shown, rest) = run(["END"], ["one E", "N", "D two", "three"])
        #expect(shown == ["one ", "", "", ""])
        #expect(rest == "")
    }

    @Test func whatOnlyLooksLikeABeginningComesLater() {
        let (shown, rest) = run(["END"], ["E", "N", "E", "N"])
        #expect(shown == ["", "", "EN", ""])
        #expect(rest == "EN")
    }

    @Test func theEarliestStopTextCounts() {
        #expect(run(["cd", "b"], ["abcd"]).shown == ["a"])
        #expect(run(["bcd", "b"], ["ab"]).shown == ["a"])
    }

    @Test func charactersAreNeverSplit() {
        let (shown, rest) = run(["é!"], ["aé", "?é"])
        #expect(shown == ["a", "é?"])
        #expect(rest == "é")
    }
}
