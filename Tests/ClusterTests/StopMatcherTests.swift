// SPDX-License-Identifier: Apache-2.0

import Cluster
import Platform
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

    /// Texts of two letters, in which stop texts overlap themselves and each other: letter by
    /// letter the first to be whole ends the text, and of several the longest.
    @Test func overlappingStopTextsAreFound() {
        var seed: UInt64 = 0
        func random(_ bound: UInt64) -> Int {
            seed += 1
            return Int(RandomBytes.word(seed: seed) % bound)
        }
        func text(_ count: Int) -> String {
            String((0..<count).map { _ in random(3) == 0 ? "b" : "a" })
        }
        for _ in 0..<2000 {
            let stops = (0..<3).map { _ in text(1 + random(6)) }
            let letters = text(12)
            let (shown, rest) = run(stops, letters.map { String($0) })
            let beginnings = letters.indices.map { letters[...$0] }
            func ends(of text: Substring) -> [Int] {
                stops.filter { text.hasSuffix($0) }.map(\.count)
            }
            if let whole = beginnings.first(where: { !ends(of: $0).isEmpty }) {
                let longest = ends(of: whole).max() ?? 0
                #expect(shown.joined() + rest == whole.dropLast(longest), "\(stops) \(letters)")
            } else {
                #expect(shown.joined() + rest == letters, "\(stops)")
            }
        }
    }

    @Test func charactersAreNeverSplit() {
        let (shown, rest) = run(["é!"], ["aé", "?é"])
        #expect(shown == ["a", "é?"])
        #expect(rest == "é")
    }
}
