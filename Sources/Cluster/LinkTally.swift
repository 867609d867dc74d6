// SPDX-License-Identifier: Apache-2.0

import Platform
import Synchronization

/// What went over a link so far.
package struct LinkCounters: Sendable {
    package var sentBytes = 0
    package var receivedBytes = 0
    package var sendMicroseconds = 0
    package var lastSendMicroseconds = 0
    var lastHeard = MonotonicClock.now()
    var beat: (id: UInt64, time: Duration)?
    var roundTrips = RecentRoundTrips()
}

/// Counts what goes over one link, for any thread.
final class LinkTally: Sendable {
    private let counters = Mutex(LinkCounters())
    private let cluster: ByteTally?

    /// Bytes are also counted in `cluster`.
    init(cluster: ByteTally?) { self.cluster = cluster }

    var now: LinkCounters { counters.withLock { $0 } }

    func noteSent(_ spent: Outbox.Spent) {
        counters.withLock {
            $0.sentBytes += spent.byteCount
            $0.sendMicroseconds += spent.microseconds
            $0.lastSendMicroseconds = spent.microseconds
        }
        cluster?.noteSent(spent.byteCount)
    }

    func noteReceived(_ byteCount: Int) {
        counters.withLock {
            $0.receivedBytes += byteCount
            $0.lastHeard = MonotonicClock.now()
        }
        cluster?.noteReceived(byteCount)
    }

    /// A part of a frame has come.
    func noteHeard() { counters.withLock { $0.lastHeard = MonotonicClock.now() } }

    func note(roundTrip: Duration) {
        counters.withLock { $0.roundTrips.add(roundTrip.microseconds) }
    }

    func noteBeat(_ id: UInt64) {
        counters.withLock { $0.beat = (id, MonotonicClock.now()) }
    }

    func noteEcho(_ id: UInt64) {
        counters.withLock { counters in
            guard let beat = counters.beat, beat.id == id else { return }
            counters.roundTrips.add((MonotonicClock.now() - beat.time).microseconds)
        }
    }
}
