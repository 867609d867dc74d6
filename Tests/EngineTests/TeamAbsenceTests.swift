// SPDX-License-Identifier: Apache-2.0

import Engine
import Testing

@Suite struct TeamAbsenceTests {
    private static func moment(_ milliseconds: Int) -> Duration { .milliseconds(milliseconds) }

    @Test func aHelperComesBack() {
        let absence = TeamAbsence(threadCount: 3)
        #expect(absence.ended(at: .zero).isEmpty)
        absence.begin(2, at: Self.moment(10))
        #expect(absence.count == 1)
        #expect(absence.ended(at: Self.moment(11)).isEmpty)
        #expect(absence.ended(at: Self.moment(12)) == [2])
        #expect(absence.count == 0)
        #expect(absence.ended(at: Self.moment(1_000)).isEmpty)
    }

    /// Stopped again and again right after its return, it stays away for longer, up to a bound.
    @Test func absencesGrow() {
        let absence = TeamAbsence(threadCount: 2)
        var now = Duration.zero
        var lengths: [Duration] = []
        for _ in 0..<10 {
            absence.begin(1, at: now)
            var length = Duration.zero
            while absence.ended(at: now + length).isEmpty { length += .milliseconds(1) }
            lengths.append(length)
            now += length + .milliseconds(3)
        }
        let expected = [2, 4, 8, 16, 32, 64, 128, 256, 512, 512]
        #expect(lengths == expected.map { .milliseconds($0) })
        // Back for as long as it was away, it is as trusted as at first.
        now += TeamAbsence.absenceMax
        absence.begin(1, at: now)
        #expect(absence.ended(at: now + TeamAbsence.absenceMin) == [1])
    }

    /// What a helper costs each time that it is stopped must stay a small share of the time.
    @Test func probationIsAsLongAsTheAbsence() {
        let absence = TeamAbsence(threadCount: 2)
        var now = Duration.zero
        for _ in 0..<6 {
            absence.begin(1, at: now)
            now += .milliseconds(64)
            #expect(absence.ended(at: now) == [1])
        }
        now += .milliseconds(50)
        absence.begin(1, at: now)
        #expect(absence.ended(at: now + .milliseconds(127)).isEmpty)
        #expect(absence.ended(at: now + .milliseconds(128)) == [1])
    }

    @Test func patienceFollowsTheChunks() {
        #expect(TeamAbsence.patience(claim: .microseconds(1)) == TeamAbsence.patienceMin)
        #expect(TeamAbsence.patience(claim: .milliseconds(5)) == .milliseconds(20))
    }
}
