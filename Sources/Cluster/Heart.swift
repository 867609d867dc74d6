// SPDX-License-Identifier: Apache-2.0

import Control
package import Platform
import Synchronization
import Wire

/// Sends a worker's heartbeats from a thread of its own, so that a long step or load does not
/// make the worker look dead. Work that never ends does: a disk or a network file system may hang.
package final class Heart: Sendable {
    private let link: Link
    private let patience: Duration
    /// How often it has beaten since the worker began something that ends soon. Time in which the
    /// whole process is stopped makes no beats.
    private let beatsAtWork = Mutex<Int?>(nil)
    private let ending = Mailbox<Void>(capacity: 1)
    private let thread = Mutex<OSThread?>(nil)
    private let counters = Mutex(StageCounters())
    private let next = Mutex<(link: Link, path: NetworkPath?)?>(nil)
    private let dataTraffic: ByteTally

    /// `dataTraffic` counts what goes over the worker's data links. What is watched may take
    /// `patience`.
    package init(
        link: Link, dataTraffic: ByteTally, patience: Duration = ClusterLimits.hangPatience
    ) {
        self.link = link
        self.patience = patience
        self.dataTraffic = dataTraffic
    }

    /// Measures the link, then beats; has no effect the second time.
    package func start(interval: Duration) throws(ThreadError) {
        let beatsMax = Int(patience / interval)
        try thread.withLock { thread throws(ThreadError) in
            guard thread == nil else { return }
            thread = try OSThread(name: "heart") { [self] in
                let path = link.measurePath()
                if let path { link.note(roundTrip: .seconds(path.roundTripSeconds)) }
                var id: UInt64 = 0
                repeat {
                    guard !hangs(after: beatsMax) else { return }
                    id += 1
                    link.noteBeat(id)
                    link.send(Frame(epoch: 0, id: id, message: .heartbeat(reading(path))))
                    _ = ending.take(timeout: interval)
                } while !ending.isClosed
            }
        }
    }

    /// Does `work`, such as a step, on the calling thread; where it takes longer than it can
    /// the link is closed, so that others take over.
    package func watching<T>(_ work: () throws -> T) rethrows -> T {
        beatsAtWork.withLock { $0 = 0 }
        defer { beatsAtWork.withLock { $0 = nil } }
        return try work()
    }

    private func hangs(after beatsMax: Int) -> Bool {
        let beats = beatsAtWork.withLock { beats in
            beats = beats.map { $0 + 1 }
            return beats ?? 0
        }
        guard beats > beatsMax else { return false }
        let reason =
            "a step has taken more than \(patience.components.seconds / 60) min here; "
            + "does a disk or a network file system hang?"
        Log.error(reason)
        link.close(reason: reason)
        return true
    }

    /// Puts these counters, which run from the start of the process, into the next heartbeat.
    func report(_ counters: StageCounters) { self.counters.withLock { $0 = counters } }

    /// Tells of the link to the next stage from now on, with what was measured of it.
    func watch(_ link: Link, _ path: NetworkPath?) { next.withLock { $0 = (link, path) } }

    /// There is no next stage any more.
    func watchNothing() { next.withLock { $0 = nil } }

    package func stop() {
        ending.close()
        thread.withLock { $0.take() }?.join()
    }

    private func reading(_ path: NetworkPath?) -> Heartbeat {
        let now = counters.withLock { $0 }
        let next = next.withLock { $0 }
        let known = next?.link.pathReading ?? (0, 0)
        return Heartbeat(
            stepCount: now.stepCount, rowCount: now.rowCount,
            computeMicroseconds: now.computeMicroseconds,
            waitMicroseconds: now.waitMicroseconds, sendMicroseconds: now.sendMicroseconds,
            residentBytes: UInt64(clamping: MemoryReading.residentBytes()),
            roundTripMicroseconds: UInt32(clamping: link.roundTripMicroseconds),
            receivedBytes: UInt64(clamping: dataTraffic.receivedBytes),
            sentBytes: UInt64(clamping: dataTraffic.sentBytes),
            nextRoundTripMicroseconds: known.0,
            nextBytesPerSecond: max(known.1, next?.path.wireBytesPerSecond ?? 0),
            linkBytesPerSecond: path.wireBytesPerSecond)
    }
}

extension NetworkPath? {
    /// 0 where nothing was measured.
    fileprivate var wireBytesPerSecond: UInt64 {
        map { UInt64(min(max($0.bytesPerSecond, 1), 1e15)) } ?? 0
    }
}
