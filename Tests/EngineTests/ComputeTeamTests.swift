// SPDX-License-Identifier: Apache-2.0

import Engine
import Platform
import Synchronization
import Testing

@Suite struct ComputeTeamTests {
    @Test(arguments: [1, 2, 3, 9]) func eachChunkRunsOnce(threadCount: Int) throws {
        let team = try ComputeTeam(threadCount: threadCount)
        for count in [0, 1, 2, 5, 64, 1_000] {
            let calls = Mutex([Int](repeating: 0, count: count))
            let strangers = Mutex(0)
            team.run(count) { chunk, thread in
                calls.withLock { $0[chunk] += 1 }
                if !(0..<threadCount).contains(thread) { strangers.withLock { $0 += 1 } }
            }
            #expect(calls.withLock { $0 } == [Int](repeating: 1, count: count))
            #expect(strangers.withLock { $0 } == 0)
        }
    }

    /// Loops in quick succession: a late helper must not take a chunk of a later loop as its own.
    @Test func manyShortLoopsStayApart() throws {
        let team = try ComputeTeam(threadCount: 3)
        for loop in 0..<3_000 {
            let sum = Atomic<Int>(0)
            team.run(4) { chunk, _ in sum.wrappingAdd(loop * 4 + chunk, ordering: .relaxed) }
            #expect(sum.load(ordering: .relaxed) == loop * 16 + 6)
        }
    }

    @Test func rangesCoverAllInWholeUnits() throws {
        let team = try ComputeTeam(threadCount: 2)
        for (count, unit) in [(0, 1), (1, 4), (17, 4), (100, 1), (1_000, 16)] {
            let covered = Mutex([Int](repeating: 0, count: count))
            let uneven = Mutex(0)
            team.split(count, unit: unit) { range, _ in
                covered.withLock { for i in range { $0[i] += 1 } }
                if range.lowerBound % unit != 0 { uneven.withLock { $0 += 1 } }
            }
            #expect(covered.withLock { $0 } == [Int](repeating: 1, count: count))
            #expect(uneven.withLock { $0 } == 0)
        }
    }

    /// Large claims cost little, and small ones at the end let all threads end together.
    @Test func claimsBecomeSmallerTowardsTheEnd() throws {
        let team = try ComputeTeam(threadCount: 2)
        let sizes = Mutex([Int](repeating: 0, count: 240))
        team.split(240) { range, _ in
            sizes.withLock { for i in range { $0[i] = range.count } }
        }
        let found = sizes.withLock { $0 }
        #expect(found.max() == 240 / 24)
        #expect(found.min() == 1)
    }

    /// A thread that is away costs nothing: the others take its chunks. Here the caller is away
    /// in its first chunk until all others have been run.
    @Test func homesAreTakenOver() throws {
        for count in [2, 3, 24] {
            // A new one each time: nobody is held to be away from the start.
            let team = try ComputeTeam(threadCount: 2)
            let others = Atomic<Int>(0)
            let ran = Mutex<[Int: Int]>([:])
            team.run(count) { chunk, thread in
                ran.withLock { $0[chunk] = thread }
                if thread == 0, chunk == 0 {
                    while others.load(ordering: .acquiring) < count - 1 {}
                } else {
                    others.wrappingAdd(1, ordering: .releasing)
                }
            }
            #expect(ran.withLock { $0.count } == count)
        }
    }

    /// While its only helper is kept from its CPU, the caller runs everything at once and pays for
    /// no claim. Here the helper is away for a millisecond in each of its claims.
    @Test func whoIsAloneClaimsNothing() throws {
        let team = try ComputeTeam(threadCount: 2)
        let wasWhole = Atomic<Bool>(false)
        for _ in 0..<5_000 where !wasWhole.load(ordering: .acquiring) {
            let covered = Mutex(0)
            team.split(64) { range, thread in
                covered.withLock { $0 += range.count }
                if range.count == 64 { wasWhole.store(true, ordering: .releasing) }
                // The caller's takes so long that the helper comes to have one.
                let end = MonotonicClock.now() + .microseconds(thread == 0 ? 5 : 1_000)
                while MonotonicClock.now() < end {}
            }
            #expect(covered.withLock { $0 } == 64)
        }
        let isWhole = wasWhole.load(ordering: .acquiring)
        #expect(isWhole)
    }
}
