// SPDX-License-Identifier: Apache-2.0

import CLinux
import Synchronization

/// What the threads of a compute team share: the present loop, and words to sleep on.
///
/// `ticket` packs the loop's number, its chunk count and the next chunk, so that one exchange both
/// claims a chunk and proves that it belongs to the present loop. `body` is read only between a
/// claim and its report in `done`; the caller changes it only when all claims have been reported.
final class TeamWork: Sendable {
    private let ticket = Atomic<UInt64>(0)
    private let sleeperCount = Atomic<Int>(0)
    private let isCallerAsleep = Atomic<Bool>(false)
    private let isStopping = Atomic<Bool>(false)
    private let wakeCount = FutexWord()
    private let done = FutexWord()
    private nonisolated(unsafe) var body: ((Int, Int) -> Void)?

    private static let fieldBits: UInt64 = 20
    private static let fieldMask: UInt64 = (1 << fieldBits) - 1
    private static let spinsMax = 2_000
    private static let spinsMin = 50

    /// Runs one loop; only the team's owner calls it.
    func run(_ count: Int, _ body: @escaping (Int, Int) -> Void) {
        precondition(count <= Int(Self.fieldMask))
        self.body = body
        done.address.pointee.store(0, ordering: .relaxed)
        let loop = (ticket.load(ordering: .relaxed) >> (2 * Self.fieldBits)) &+ 1
        ticket.store(
            loop << (2 * Self.fieldBits) | UInt64(count) << Self.fieldBits, ordering: .releasing)
        wakeCount.address.pointee.wrappingAdd(1, ordering: .sequentiallyConsistent)
        if sleeperCount.load(ordering: .sequentiallyConsistent) > 0 { wakeCount.wakeAll() }
        while let chunk = claim() {
            body(chunk, 0)
            done.address.pointee.wrappingAdd(1, ordering: .acquiringAndReleasing)
        }
        waitUntilDone(UInt32(count))
        self.body = nil
    }

    /// A helper's life: chunks while there are any, then a brief spin, then sleep.
    func serve(thread: Int) {
        var spins = Self.spinsMax
        while !isStopping.load(ordering: .acquiring) {
            if let chunk = claim() {
                body?(chunk, thread)
                report()
            } else if spin(spins) {
                spins = min(Self.spinsMax, spins * 2)
            } else {
                spins = max(Self.spinsMin, spins / 2)
                sleep()
            }
        }
    }

    func stop() {
        isStopping.store(true, ordering: .sequentiallyConsistent)
        wakeCount.address.pointee.wrappingAdd(1, ordering: .sequentiallyConsistent)
        wakeCount.wakeAll()
    }

    private func hasWork(_ ticket: UInt64) -> Bool {
        ticket & Self.fieldMask < (ticket >> Self.fieldBits) & Self.fieldMask
    }

    private func claim() -> Int? {
        var seen = ticket.load(ordering: .acquiring)
        while hasWork(seen) {
            let (exchanged, original) = ticket.weakCompareExchange(
                expected: seen, desired: seen + 1, ordering: .acquiringAndReleasing)
            if exchanged { return Int(seen & Self.fieldMask) }
            seen = original
        }
        return nil
    }

    private func report() {
        done.address.pointee.wrappingAdd(1, ordering: .sequentiallyConsistent)
        if isCallerAsleep.load(ordering: .sequentiallyConsistent) { done.wakeAll() }
    }

    private func spin(_ count: Int) -> Bool {
        for _ in 0..<count {
            if hasWork(ticket.load(ordering: .relaxed)) { return true }
            cl_spin_hint()
        }
        return false
    }

    private func sleep() {
        sleeperCount.wrappingAdd(1, ordering: .sequentiallyConsistent)
        let seen = wakeCount.address.pointee.load(ordering: .sequentiallyConsistent)
        if !hasWork(ticket.load(ordering: .acquiring)),
            !isStopping.load(ordering: .sequentiallyConsistent)
        {
            wakeCount.wait(while: seen)
        }
        sleeperCount.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    }

    private func waitUntilDone(_ count: UInt32) {
        for _ in 0..<Self.spinsMax {
            if done.address.pointee.load(ordering: .acquiring) == count { return }
            cl_spin_hint()
        }
        isCallerAsleep.store(true, ordering: .sequentiallyConsistent)
        while true {
            let seen = done.address.pointee.load(ordering: .sequentiallyConsistent)
            if seen == count { break }
            done.wait(while: seen)
        }
        isCallerAsleep.store(false, ordering: .relaxed)
    }
}

/// An atomic number at a fixed address that threads can sleep on.
private final class FutexWord: Sendable {
    nonisolated(unsafe) let address: UnsafeMutablePointer<Atomic<UInt32>>

    init() {
        address = .allocate(capacity: 1)
        address.initialize(to: Atomic(0))
    }

    deinit {
        address.deinitialize(count: 1)
        address.deallocate()
    }

    func wait(while expected: UInt32) { cl_futex_wait(word, expected, -1) }

    func wakeAll() { cl_futex_wake(word, Int32.max) }

    private var word: UnsafePointer<UInt32> {
        UnsafeRawPointer(address).assumingMemoryBound(to: UInt32.self)
    }
}
