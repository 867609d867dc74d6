// SPDX-License-Identifier: Apache-2.0

import Platform

/// Threads that share the chunks of one loop at a time. The caller is one of them.
///
/// Chunks are claimed one by one, so a slow thread delays the others by at most one chunk, and a
/// thread that is not running at all delays nobody: the caller waits for claimed chunks only.
package final class ComputeTeam {
    package let threadCount: Int
    private let work: TeamWork
    private let threads: [OSThread]

    /// No thread is bound to a CPU: two workers on one machine would bind their helpers to the same
    /// ones (188 against 217 tokens/s measured), and alone binding gained nothing.
    package init(threadCount: Int) {
        self.threadCount = threadCount
        let work = TeamWork()
        self.work = work
        threads = (1..<max(1, threadCount)).map { index in
            OSThread(name: "compute-\(index)") {
                work.serve(thread: index)
            }
        }
    }

    deinit {
        work.stop()
        for thread in threads { thread.join() }
    }

    /// Calls `body(chunk, thread)` once for each chunk in `0..<count`; returns when all are done.
    ///
    /// `thread` is below `threadCount` and differs between calls that run at the same time.
    package func run(_ count: Int, _ body: (_ chunk: Int, _ thread: Int) -> Void) {
        if threads.isEmpty || count <= 1 {
            for chunk in 0..<count { body(chunk, 0) }
        } else {
            withoutActuallyEscaping(body) { work.run(count, $0) }
        }
    }

    /// Calls `body` with ranges that cover `0..<count`, each a multiple of `unit` but for the last.
    ///
    /// A few ranges for each thread balance the load; one thread gets everything at once.
    package func split(
        _ count: Int, unit: Int = 1, _ body: (_ range: Range<Int>, _ thread: Int) -> Void
    ) {
        guard count > 0 else { return }
        let units = (count + unit - 1) / unit
        let chunkMax = threads.isEmpty ? 1 : threadCount * 6
        let size = (units + chunkMax - 1) / chunkMax * unit
        run((count + size - 1) / size) { chunk, thread in
            body(chunk * size..<min(count, (chunk + 1) * size), thread)
        }
    }
}
