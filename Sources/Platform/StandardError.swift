// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// The process's standard error stream.
///
/// A thread of its own writes it: a terminal after Ctrl-S, or a pipe that nobody empties, takes
/// nothing for as long as it likes, and whoever logs has streams to serve. Where there is no thread
/// to be had the caller writes. One write per line, so that lines of several processes on one
/// terminal do not mix.
package enum StandardError {
    /// A line may take so many of these before nobody waits for it any more. In turns, so that time
    /// in which the process was itself stopped does not count.
    private static let turn = Duration.milliseconds(250)
    private static let turnCountMax = 4
    private static let erasure = "\r\u{1B}[K"

    private static let backlog = Mutex(ErrorBacklog())
    /// How many writes have ended, and how many had when waiting was last given up.
    private static let writes = Mutex<(endedCount: Int, givenUpAt: Int?)>((0, nil))
    /// Wakes the thread.
    private static let wake = Mailbox<Void>(capacity: 1)
    /// Wakes who waits for the thread.
    private static let settled = Mailbox<Void>(capacity: 1)
    /// The line at the bottom of the terminal that is rewritten in place; empty for none. Held by
    /// whoever writes.
    private static let progress = Mutex("")

    private static let hasThread: Bool = {
        let thread = try? OSThread(name: "stderr") {
            while wake.take() != nil { writeBacklog() }
        }
        thread?.letGo()
        return thread != nil
    }()

    package static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    /// Of the terminal, as it is now; 80 where there is none, or it does not say.
    package static var columnCount: Int { Terminal.size(of: STDERR_FILENO).columns }

    /// Has a whole line written soon, without waiting for that.
    static func post(_ line: String) {
        backlog.withLock { $0.add(line) }
        beginWriting()
    }

    /// Writes whole lines; a progress line moves out of their way.
    package static func write(_ text: String) {
        post(text)
        flush()
    }

    /// Shows `text` instead of the last progress line; nothing on what is not a terminal. Once it
    /// is taken away others may write to the terminal.
    package static func showProgress(_ text: String) {
        guard isTerminal, backlog.withLock({ $0.show(progress: text) }) else { return }
        beginWriting()
        if text.isEmpty { flush() }
    }

    /// Waits until all is written that was to be, as long as something is.
    static func flush() {
        var turnCount = 0
        while !backlog.withLock({ $0.isWritten }) {
            let (endedCount, givenUpAt) = writes.withLock { $0 }
            guard endedCount != givenUpAt else { return }
            turnCount = settled.take(timeout: turn) == nil ? turnCount + 1 : 0
            if turnCount == turnCountMax { writes.withLock { $0.givenUpAt = endedCount } }
        }
    }

    private static func beginWriting() {
        if hasThread { wake.offer(()) } else { writeBacklog() }
    }

    private static func writeBacklog() {
        progress.withLock { progress in
            while let batch = backlog.withLock({ $0.next() }) {
                for line in batch.lines + [loss(of: batch.lostCount)].compactMap({ $0 }) {
                    writeNow((progress.isEmpty ? line : erasure + line) + batch.progress)
                    progress = batch.progress
                }
                if batch.progress != progress { writeNow(erasure + batch.progress) }
                progress = batch.progress
            }
        }
        settled.offer(())
    }

    private static func loss(of count: Int) -> String? {
        let lines = count == 1 ? "1 line" : "\(count) lines"
        return count == 0
            ? nil
            : Log.line(.warning, "\(lines) of the log were lost while standard error took nothing")
    }

    private static func writeNow(_ text: String) {
        _ = writeAll(text, to: STDERR_FILENO)
        writes.withLock { $0.endedCount += 1 }
        settled.offer(())
    }
}
