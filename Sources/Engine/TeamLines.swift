// SPDX-License-Identifier: Apache-2.0

import CLinux
import Platform
import Synchronization

/// The words that the threads of a team share, each on cache lines of its own.
///
/// A word that many read and one writes would otherwise slow down its neighbours' owners.
final class TeamLines: Sendable {
    typealias Word = UnsafeMutablePointer<Atomic<UInt32>>

    let sleeperCount = Atomic<Int>(0)
    let isStopping = Atomic<Bool>(false)
    private nonisolated(unsafe) let memory: UnsafeMutableRawPointer
    private let threadCount: Int

    /// Two cache lines: CPUs fetch them in pairs.
    private static let lineByteCount = 128
    private static let sharedLineCount = 4
    /// What a claim takes of what is left of a home.
    private static let claimDivisor = 4

    init(threadCount: Int) {
        self.threadCount = threadCount
        let count = (Self.sharedLineCount + threadCount) * Self.lineByteCount
        memory = .allocate(byteCount: count, alignment: Self.lineByteCount)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: count)
    }

    deinit { memory.deallocate() }

    // The bytes are zero, which is what a new atomic holds.

    /// The present loop's number: helpers that wait for the next one sleep on it.
    var loop: Word { atomic(line: 0, 0) }
    /// Chunks of the present loop that have been run; the caller sleeps on it.
    var done: Word { atomic(line: 1, 0) }
    /// Address of what is read next.
    var next: UnsafeMutablePointer<Atomic<UInt>> { atomic(line: 2, 0) }
    /// The most chunks of one claim: a thread that is put off its CPU holds the others up by them.
    var claimMax: Word { atomic(line: 2, 8) }
    var isCallerAsleep: UnsafeMutablePointer<Atomic<Bool>> { atomic(line: 3, 0) }

    /// The chunks of a home that nobody has claimed: first in the low half, end in the high half.
    private func home(_ thread: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
        atomic(line: Self.sharedLineCount + thread, 0)
    }

    private func absence(_ thread: Int) -> Word { atomic(line: Self.sharedLineCount + thread, 8) }
    private func working(_ thread: Int) -> Word { atomic(line: Self.sharedLineCount + thread, 12) }

    private func place(_ thread: Int) -> Word { atomic(line: Self.sharedLineCount + thread, 16) }

    private func atomic<T: ~Copyable>(line: Int, _ offset: Int) -> UnsafeMutablePointer<T> {
        (memory + line * Self.lineByteCount + offset).assumingMemoryBound(to: T.self)
    }

    func setHome(of thread: Int, _ chunks: Range<Int>) {
        home(thread).pointee.store(Self.word(chunks), ordering: .releasing)
    }

    private static func word(_ chunks: Range<Int>) -> UInt64 {
        UInt64(chunks.upperBound) << 32 | UInt64(chunks.lowerBound)
    }

    /// The next chunks of a home, or its last ones, at most `claimMax`. Claims become smaller
    /// towards a home's end, so that all threads end together.
    ///
    /// A claim proves nothing of which loop it is from: it is from the present one.
    func claimFirst(of thread: Int) -> Range<Int>? {
        claim(of: thread) { chunks, count in
            (chunks.prefix(count), chunks.dropFirst(count))
        }
    }

    func claimLast(of thread: Int) -> Range<Int>? {
        claim(of: thread) { chunks, count in
            (chunks.suffix(count), chunks.dropLast(count))
        }
    }

    @inline(__always) private func claim(
        of thread: Int,
        _ cut: (_ chunks: Range<Int>, _ count: Int) -> (claim: Range<Int>, rest: Range<Int>)
    ) -> Range<Int>? {
        let word = home(thread)
        let limit = Int(claimMax.pointee.load(ordering: .relaxed))
        var seen = word.pointee.load(ordering: .acquiring)
        while seen & 0xffff_ffff < seen >> 32 {
            let chunks = Int(seen & 0xffff_ffff)..<Int(seen >> 32)
            let (claim, rest) = cut(chunks, min(limit, max(1, chunks.count / Self.claimDivisor)))
            let (exchanged, original) = word.pointee.weakCompareExchange(
                expected: seen, desired: Self.word(rest), ordering: .acquiringAndReleasing)
            if exchanged { return claim }
            seen = original
        }
        return nil
    }

    func isWorking(_ thread: Int) -> Bool {
        working(thread).pointee.load(ordering: .acquiring) != 0
    }

    func setWorking(_ isWorking: Bool, _ thread: Int) {
        working(thread).pointee.store(isWorking ? 1 : 0, ordering: .releasing)
    }

    /// Where the calling thread began to work.
    func setPlace(_ thread: Int) {
        place(thread).pointee.store(UInt32(bitPattern: cl_current_cpu()), ordering: .relaxed)
    }

    /// Whether a helper was last seen at work on the CPU that the calling thread is on.
    func sharesPlace(_ thread: Int) -> Bool {
        let cpu = cl_current_cpu()
        return cpu >= 0
            && place(thread).pointee.load(ordering: .relaxed) == UInt32(bitPattern: cpu)
    }

    func isAbsent(_ thread: Int) -> Bool {
        absence(thread).pointee.load(ordering: .acquiring) != 0
    }

    /// Keeps a helper out of the next loops.
    func dismiss(_ thread: Int) { absence(thread).pointee.store(1, ordering: .releasing) }

    func readmit(_ thread: Int) {
        absence(thread).pointee.store(0, ordering: .sequentiallyConsistent)
        Self.wake(absence(thread))
    }

    func sleepWhileAbsent(_ thread: Int) {
        guard !isStopping.load(ordering: .sequentiallyConsistent) else { return }
        Self.wait(absence(thread), while: 1)
    }

    static func wait(_ word: Word, while expected: UInt32, timeout: Duration? = nil) {
        let limit = timeout.map { Int64($0.microseconds * 1_000) } ?? -1
        cl_futex_wait(plain(word), expected, limit)
    }

    static func wake(_ word: Word) { cl_futex_wake(plain(word), Int32.max) }

    private static func plain(_ word: Word) -> UnsafePointer<UInt32> {
        UnsafeRawPointer(word).assumingMemoryBound(to: UInt32.self)
    }
}
