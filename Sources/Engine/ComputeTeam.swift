// SPDX-License-Identifier: Apache-2.0

import Platform

/// Threads that share the chunks of one loop at a time. The caller is one of them.
///
/// Chunks are claimed a few at a time and in the end one by one, so a slow thread delays the others
/// by little, and a thread that is not running at all delays nobody: the caller waits for claimed
/// chunks only. A thread that another process stops in the middle of them is left out for a while.
package final class ComputeTeam {
    package let threadCount: Int
    private let work: TeamWork
    private let threads: [OSThread]
    /// What the threads may be reading from: kept until they have ended.
    var readAhead: ReadAhead?

    package init(threadCount: Int) throws(EngineError) {
        self.threadCount = threadCount
        let work = TeamWork(threadCount: max(1, threadCount))
        self.work = work
        var threads: [OSThread] = []
        do throws(ThreadError) {
            for index in 1..<max(1, threadCount) {
                threads.append(
                    try OSThread(name: "compute-\(index)") { work.serve(thread: index) })
            }
        } catch {
            work.stop()
            for thread in threads { thread.join() }
            throw .noThread(error)
        }
        self.threads = threads
    }

    deinit {
        work.stop()
        for thread in threads { thread.join() }
    }

    /// Threads that share loops now: those that other processes keep from their CPUs are left out
    /// for a while. Only the team's owner may ask.
    var presentCount: Int { work.presentCount }

    /// Binds each thread, the calling one as the team's owner, to a core of its own, where there
    /// are as many threads as the process has cores.
    ///
    /// Beside a process that takes one core of two, the kernel else puts both threads on the other
    /// for a while: prompts gain a third, 362 against 269 tokens/s. Alone, and with two such teams
    /// on the same cores, it makes no difference. A team with fewer threads is left alone: another
    /// process may have the same cores in mind.
    package func bind() {
        let cores = ProcessorCount.read().cores
        guard threadCount > 1, cores.count == threadCount else { return }
        OSThread.bindCurrent(to: cores[0])
        for (thread, core) in zip(threads, cores.dropFirst()) { thread.bind(to: core) }
    }

    /// Calls `body(chunk, thread)` once for each chunk in `0..<count`; returns when all are done.
    ///
    /// `thread` is below `threadCount` and differs between calls that run at the same time. Chunks
    /// that are not `even` may take very different times.
    package func run(
        _ count: Int, even: Bool = true, _ body: (_ chunk: Int, _ thread: Int) -> Void
    ) {
        run(count, even: even, next: nil) { chunks, thread in
            for chunk in chunks { body(chunk, thread) }
        }
    }

    /// Calls `body` with ranges that cover `0..<count`, each a multiple of `unit` but for the last.
    ///
    /// Ranges that follow one another mostly go to the same thread; there are enough of them to
    /// balance the load. One thread gets everything at once.
    package func split(
        _ count: Int, unit: Int = 1, _ body: (_ range: Range<Int>, _ thread: Int) -> Void
    ) {
        split(count, unit: unit, next: nil, body)
    }

    /// The same; threads that wait read ahead in `next`.
    func split(
        _ count: Int, unit: Int = 1, next: ReadAhead.Spans?,
        _ body: (_ range: Range<Int>, _ thread: Int) -> Void
    ) {
        run((count + unit - 1) / unit, even: true, next: next) { units, thread in
            body(units.lowerBound * unit..<min(count, units.upperBound * unit), thread)
        }
    }

    private func run(
        _ count: Int, even: Bool, next: ReadAhead.Spans?,
        _ body: (_ chunks: Range<Int>, _ thread: Int) -> Void
    ) {
        guard count > 0 else { return }
        if threads.isEmpty || count == 1 {
            body(0..<count, 0)
            ReadAhead.begin(next, thread: 0)
        } else {
            withoutActuallyEscaping(body) { work.run(count, even: even, next: next, $0) }
        }
    }

    /// Which of `count` chunks a thread begins with.
    static func home(of count: Int, thread: Int, threadCount: Int) -> Int {
        count * thread / threadCount
    }
}
