// SPDX-License-Identifier: Apache-2.0

import Platform
import Synchronization
import Wire

/// Sends a worker's heartbeats from a thread of its own, so that a long step or load does not
/// make the worker look dead.
final class Heart: Sendable {
    private let link: Link
    private let ending = Mailbox<Void>(capacity: 1)
    private let thread = Mutex<OSThread?>(nil)
    private let counters = Mutex(StageCounters())

    init(link: Link) { self.link = link }

    func start() {
        let beating = OSThread(name: "heart") { [self] in
            var id: UInt64 = 0
            repeat {
                id += 1
                link.noteBeat(id)
                link.send(Frame(epoch: 0, id: id, message: .heartbeat(reading())))
                _ = ending.take(timeout: ClusterLimits.heartbeatInterval)
            } while !ending.isClosed
        }
        thread.withLock { $0 = $0 ?? beating }
    }

    /// Puts the stage's counters into the next heartbeat.
    func report(_ runner: StageRunner) { counters.withLock { $0 = runner.counters } }

    func stop() {
        ending.close()
        thread.withLock { $0 }?.join()
    }

    private func reading() -> Heartbeat {
        let now = counters.withLock { $0 }
        return Heartbeat(
            stepCount: now.stepCount, rowCount: now.rowCount,
            computeMicroseconds: now.computeMicroseconds,
            waitMicroseconds: now.waitMicroseconds, sendMicroseconds: now.sendMicroseconds,
            residentBytes: UInt64(clamping: MemoryReading.residentBytes()),
            roundTripMicroseconds: UInt32(clamping: link.roundTripMicroseconds))
    }
}
