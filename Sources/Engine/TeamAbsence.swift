// SPDX-License-Identifier: Apache-2.0

import Platform

/// Which helpers stay out of the loops, and until when. Only the team's owner uses it.
///
/// A helper whose CPU another process wants is stopped in the middle of a claim for milliseconds,
/// and the whole loop with it. One that this happens to again before it has been back for as long
/// as it was away stays away twice as long, so that what is lost to it stays a small share.
package final class TeamAbsence: Sendable {
    /// How long the caller waits for a claim, whatever its size.
    package static let patienceMin = Duration.microseconds(300)
    package static let absenceMin = Duration.milliseconds(2)
    package static let absenceMax = Duration.milliseconds(512)
    /// A helper counts as unlucky for at least this long after its return.
    package static let probationMin = Duration.milliseconds(20)

    private struct Record {
        var end: Duration?
        var length: Duration = absenceMin
        var returned: Duration?
    }

    private nonisolated(unsafe) var records: [Record]
    private nonisolated(unsafe) var absentCount = 0

    package init(threadCount: Int) { records = Array(repeating: Record(), count: threadCount) }

    /// Helpers that are absent now.
    package var count: Int { absentCount }

    /// No claim takes four times as long as another of an even loop, and none four times as long as
    /// a thread's share of an uneven one.
    package static func patience(claim: Duration) -> Duration { max(patienceMin, claim * 4) }

    package func begin(_ thread: Int, at now: Duration) {
        let probation = max(Self.probationMin, records[thread].length)
        if let returned = records[thread].returned, now - returned < probation {
            records[thread].length = min(Self.absenceMax, records[thread].length * 2)
        } else {
            records[thread].length = Self.absenceMin
        }
        records[thread].end = now + records[thread].length
        absentCount += 1
    }

    /// The helpers that are back from `now` on.
    package func ended(at now: Duration) -> [Int] {
        guard absentCount > 0 else { return [] }
        var result: [Int] = []
        for thread in records.indices {
            guard let end = records[thread].end, end <= now else { continue }
            records[thread].end = nil
            records[thread].returned = now
            absentCount -= 1
            result.append(thread)
        }
        return result
    }
}
