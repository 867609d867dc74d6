// SPDX-License-Identifier: Apache-2.0

import Platform
import Synchronization

/// Runs a command's work on a thread of its own while the main thread waits for signals.
enum Supervisor {
    /// Work has so many of these to end after it was told to; then the process ends without it. In
    /// turns, so that time in which the process was itself stopped is not taken from the work.
    private static let stopTurn = Duration.milliseconds(50)
    private static let stopTurnCount = 30

    /// The work's exit status or error. SIGINT, SIGTERM and SIGHUP call `stop`, which ends `work`,
    /// unless `absorb` says that it has dealt with the signal and that `work` goes on.
    static func run(
        absorb: (Int32) -> Bool = { _ in false }, stop: @escaping @Sendable (Int32) -> Void,
        _ work: @escaping @Sendable () throws -> Int32
    ) throws -> Int32 {
        Signals.catchTermination()
        let done = Mailbox<Result<Int32, any Error>>(capacity: 1)
        let thread = try OSThread(name: "work") {
            done.offer(Result { try work() })
            Signals.requestTermination()
        }
        var signal = Signals.waitForTermination()
        var ended = done.take(timeout: .zero)
        while ended == nil, absorb(signal) {
            signal = Signals.waitForTermination()
            ended = done.take(timeout: .zero)
        }
        if let result = ended {
            thread.join()
            return try result.get()
        }
        // Not here: a terminal that takes nothing more, as after Ctrl-S, would hold it up for ever.
        do throws(ThreadError) {
            try OSThread(name: "stop") { [signal] in stop(signal) }.letGo()
        } catch {
            stop(signal)
        }
        for _ in 0..<stopTurnCount {
            guard let result = done.take(timeout: stopTurn) else { continue }
            thread.join()
            return try result.get()
        }
        exitProcess(status: 128 + signal)
    }
}

/// Set once by a signal, read by the work it interrupts.
final class StopFlag: Sendable {
    private let signal = Mutex<Int32?>(nil)

    var number: Int32? { signal.withLock { $0 } }

    func set(_ number: Int32) { signal.withLock { $0 = number } }
}
