// SPDX-License-Identifier: Apache-2.0

import CKernels
import CLinux

/// Where each thread of a team begins to read the weights of each product of a step.
///
/// A thread that waits for the others asks for them meanwhile, so that the memory is busy while
/// one thread alone normalises or quantises. It is only advice: nothing depends on it.
final class ReadAhead {
    struct Span {
        var start: UInt = 0
        var byteCount: UInt = 0
    }

    /// `(threads, 2)`, since a loop reads at most two matrices side by side. Valid as long as its
    /// `ReadAhead`, which outlives every loop of the team that is given it.
    typealias Spans = UnsafePointer<Span>

    /// Matrices whose groups one loop divides, one after the other.
    typealias Sweep = [PackedMatrix]

    private static let spansPerThread = 2
    private static let lineByteCount: UInt = 64
    /// Of one span: a small part of a second-level cache.
    private static let byteCountMax = 64 << 10
    /// What the team's owner asks for before it goes on with work of its own.
    private static let beginByteCount: UInt = 4 << 10

    private let threadCount: Int
    private let spans: UnsafeMutablePointer<Span>
    private let count: Int

    /// `loops` are the loops of a step in order, each of one or two sweeps.
    init(loops: [[Sweep]], threadCount: Int) {
        self.threadCount = threadCount
        count = loops.count * threadCount * Self.spansPerThread
        spans = .allocate(capacity: max(1, count))
        spans.initialize(repeating: Span(), count: max(1, count))
        for (index, loop) in loops.enumerated() {
            for (place, sweep) in loop.prefix(Self.spansPerThread).enumerated() {
                for thread in 0..<threadCount {
                    spans[(index * threadCount + thread) * Self.spansPerThread + place] =
                        Self.span(sweep, thread: thread, threadCount: threadCount)
                }
            }
        }
    }

    deinit { spans.deallocate() }

    /// What loop `index` reads first, counted round and round.
    func loop(_ index: Int) -> Spans? {
        guard count > 0 else { return nil }
        let stride = threadCount * Self.spansPerThread
        return Spans(spans + index * stride % count)
    }

    private static func span(_ sweep: Sweep, thread: Int, threadCount: Int) -> Span {
        let unit = Product.groupUnit
        let unitCounts = sweep.map { ($0.groupCount + unit - 1) / unit }
        var place = ComputeTeam.home(
            of: unitCounts.reduce(0, +), thread: thread, threadCount: threadCount)
        for (matrix, unitCount) in zip(sweep, unitCounts) {
            guard place >= unitCount else {
                let group = place * unit
                let bytes = (matrix.groupCount - group) * matrix.groupByteCount
                let start =
                    UInt(bitPattern: matrix.kernel.packed) + UInt(group * matrix.groupByteCount)
                return Span(start: start, byteCount: UInt(min(bytes, byteCountMax)))
            }
            place -= unitCount
        }
        return Span()
    }

    /// Asks for the first lines of the thread's spans.
    static func begin(_ spans: Spans?, thread: Int) {
        guard let spans else { return }
        for place in 0..<spansPerThread {
            let span = spans[thread * spansPerThread + place]
            for offset in stride(
                from: 0, to: min(span.byteCount, beginByteCount), by: Int(lineByteCount))
            {
                cl_prefetch(span.start + offset)
            }
        }
    }

    /// A walk over one thread's spans, a few lines at a time.
    struct Reading {
        private var first = Span()
        private var second = Span()

        init(_ spans: Spans?, thread: Int) {
            guard let spans else { return }
            first = spans[thread * spansPerThread]
            second = spans[thread * spansPerThread + 1]
        }

        /// False when everything has been asked for.
        mutating func advance() -> Bool {
            if first.byteCount == 0 { swap(&first, &second) }
            guard first.byteCount > 0 else { return false }
            for _ in 0..<4 where first.byteCount > 0 {
                cl_prefetch(first.start)
                let step = min(lineByteCount, first.byteCount)
                first.start += step
                first.byteCount -= step
            }
            return true
        }
    }
}
