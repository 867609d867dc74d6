// SPDX-License-Identifier: Apache-2.0

import CLinux
import Platform
import Synchronization

/// What the threads of a compute team share: the present loop, and words to sleep on.
///
/// Each thread has a home: a range of neighbouring chunks, which it claims in ascending order, so
/// that it reads memory in one sweep. Whoever has finished takes from the ends of the others'
/// homes. One exchange claims some chunks; `body` is read only between a claim and its report in
/// `done`, and the caller changes it only when all claims have been reported.
final class TeamWork: Sendable {
    typealias Body = (_ chunks: Range<Int>, _ thread: Int) -> Void

    private let threadCount: Int
    private let lines: TeamLines
    private let absence: TeamAbsence
    private nonisolated(unsafe) var body: Body?
    /// Only the team's owner counts.
    private nonisolated(unsafe) var loopCount = 0

    /// Time, as hints to the CPU take from 1 to 40 ns each.
    private static let spinMax = Duration.microseconds(120)
    private static let spinMin = Duration.microseconds(3)
    /// Looks at what is waited for between two looks at the clock.
    private static let looksPerSpin = 64
    private static let loopsPerCheck = 16
    private static let claimsPerThread = 12

    init(threadCount: Int) {
        self.threadCount = threadCount
        lines = TeamLines(threadCount: threadCount)
        absence = TeamAbsence(threadCount: threadCount)
    }

    var presentCount: Int { threadCount - absence.count }

    /// Runs one loop; only the team's owner calls it. `spans` are what will be read next; chunks
    /// that are not `even` may take very different times.
    func run(_ count: Int, even: Bool, next spans: ReadAhead.Spans?, _ body: @escaping Body) {
        let start = MonotonicClock.now()
        for thread in absence.ended(at: start) { lines.readmit(thread) }
        guard presentCount > 1 else {
            // Nobody is there to share it. Claims would take a sixth of a small model's time.
            body(0..<count, 0)
            ReadAhead.begin(spans, thread: 0)
            return
        }
        self.body = body
        let claimCount = threadCount * Self.claimsPerThread
        let claimMax = (count + claimCount - 1) / claimCount
        lines.claimMax.pointee.store(UInt32(claimMax), ordering: .relaxed)
        lines.done.pointee.store(0, ordering: .relaxed)
        placeHomes(count)
        if let spans { lines.next.pointee.store(UInt(bitPattern: spans), ordering: .relaxed) }
        lines.loop.pointee.wrappingAdd(1, ordering: .sequentiallyConsistent)
        if lines.sleeperCount.load(ordering: .sequentiallyConsistent) > 0 {
            TeamLines.wake(lines.loop)
        }
        var chunkCount = runHome(of: 0)
        report(chunkCount)
        while let count = steal(for: 0) {
            report(count)
            chunkCount += count
        }
        waitUntilDone(UInt32(count)) {
            let time = MonotonicClock.now() - start
            return even ? time / max(1, chunkCount) * claimMax : time
        }
        self.body = nil
        ReadAhead.begin(spans, thread: 0)
        loopCount += 1
        if loopCount.isMultiple(of: Self.loopsPerCheck) { sendNeighboursAway() }
    }

    /// A helper's life: chunks while there are any, then a brief spin, then sleep.
    func serve(thread: Int) {
        var patience = Self.spinMax
        var seen: UInt32 = 0
        while !lines.isStopping.load(ordering: .acquiring) {
            if lines.isAbsent(thread) {
                lines.sleepWhileAbsent(thread)
                continue
            }
            let loop = lines.loop.pointee.load(ordering: .acquiring)
            if loop != seen {
                seen = loop
                lines.setWorking(true, thread)
                lines.setPlace(thread)
                report(runHome(of: thread))
                while let count = steal(for: thread) { report(count) }
                lines.setWorking(false, thread)
            } else if spin(for: patience, after: loop, thread: thread) {
                patience = min(Self.spinMax, patience * 2)
            } else {
                patience = max(Self.spinMin, patience / 2)
                sleep(after: loop)
            }
        }
    }

    func stop() {
        lines.isStopping.store(true, ordering: .sequentiallyConsistent)
        for thread in 1..<threadCount { lines.readmit(thread) }
        lines.loop.pointee.wrappingAdd(1, ordering: .sequentiallyConsistent)
        TeamLines.wake(lines.loop)
    }

    /// Divides the chunks among the threads that are present.
    private func placeHomes(_ count: Int) {
        let present = presentCount
        var index = 0
        for thread in 0..<threadCount {
            if thread > 0, lines.isAbsent(thread) { continue }
            let home = count * index / present..<count * (index + 1) / present
            lines.setHome(of: thread, home)
            index += 1
        }
    }

    /// Runs what is claimed of the thread's own chunks; returns how many they were.
    ///
    /// Never inlined, so that no reference to `body` outlives it: the report comes after.
    @inline(never) private func runHome(of thread: Int) -> Int {
        guard let first = lines.claimFirst(of: thread), let body else { return 0 }
        body(first, thread)
        var count = first.count
        while let chunks = lines.claimFirst(of: thread) {
            body(chunks, thread)
            count += chunks.count
        }
        return count
    }

    /// Runs the last chunks of another thread's home; nil when all have been claimed.
    @inline(never) private func steal(for thread: Int) -> Int? {
        for distance in 1..<threadCount {
            let other = (thread + distance) % threadCount
            if let chunks = lines.claimLast(of: other), let body {
                body(chunks, thread)
                return chunks.count
            }
        }
        return nil
    }

    private func report(_ count: Int) {
        guard count > 0 else { return }
        lines.done.pointee.wrappingAdd(UInt32(count), ordering: .sequentiallyConsistent)
        if lines.isCallerAsleep.pointee.load(ordering: .sequentiallyConsistent) {
            TeamLines.wake(lines.done)
        }
    }

    /// Waits for the next loop, reading ahead meanwhile; false when none came.
    private func spin(for patience: Duration, after loop: UInt32, thread: Int) -> Bool {
        let address = lines.next.pointee.load(ordering: .relaxed)
        var reading = ReadAhead.Reading(ReadAhead.Spans(bitPattern: address), thread: thread)
        let end = MonotonicClock.now() + patience
        repeat {
            for _ in 0..<Self.looksPerSpin {
                if lines.loop.pointee.load(ordering: .relaxed) != loop { return true }
                if !reading.advance() { cl_spin_hint() }
            }
        } while MonotonicClock.now() < end
        return false
    }

    private func sleep(after loop: UInt32) {
        lines.sleeperCount.wrappingAdd(1, ordering: .sequentiallyConsistent)
        if !lines.isStopping.load(ordering: .sequentiallyConsistent) {
            TeamLines.wait(lines.loop, while: loop)
        }
        lines.sleeperCount.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    }

    /// A helper that keeps the caller waiting for much longer than its claim can take was put off
    /// its CPU by another process: it stays absent for a while, lest each loop wait for it.
    ///
    /// `claim` says how long the caller took for as much as one claim may hold.
    private func waitUntilDone(_ count: UInt32, claim: () -> Duration) {
        let end = MonotonicClock.now() + Self.spinMax
        repeat {
            for _ in 0..<Self.looksPerSpin {
                if lines.done.pointee.load(ordering: .acquiring) == count { return }
                cl_spin_hint()
            }
        } while MonotonicClock.now() < end
        var patience: Duration? = TeamAbsence.patience(claim: claim())
        lines.isCallerAsleep.pointee.store(true, ordering: .sequentiallyConsistent)
        while true {
            let seen = lines.done.pointee.load(ordering: .sequentiallyConsistent)
            if seen == count { break }
            let before = MonotonicClock.now()
            TeamLines.wait(lines.done, while: seen, timeout: patience)
            if let limit = patience, MonotonicClock.now() - before >= limit {
                sendAway()
                patience = nil
            }
        }
        lines.isCallerAsleep.pointee.store(false, ordering: .relaxed)
    }

    private func sendAway() { sendAway { lines.isWorking($0) } }

    /// A helper on the caller's CPU only takes turns with it, and each turn costs a switch. It is
    /// there because other processes have the other CPUs.
    private func sendNeighboursAway() { sendAway { lines.sharesPlace($0) } }

    private func sendAway(_ isMeant: (Int) -> Bool) {
        for thread in 1..<threadCount where !lines.isAbsent(thread) && isMeant(thread) {
            lines.dismiss(thread)
            absence.begin(thread, at: MonotonicClock.now())
        }
    }
}
