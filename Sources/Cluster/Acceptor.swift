// SPDX-License-Identifier: Apache-2.0

package import Platform
import Synchronization

/// Takes connections on a port and turns each into a link that has yet to say who it is.
///
/// Nobody else hears of a connection before its first good frame: strangers are refused, logged
/// and forgotten here, however many come.
package final class Acceptor: Sendable {
    package let address: SocketAddress
    private let listener: Listener
    private let tally: ByteTally?
    private let thread = Mutex<OSThread?>(nil)
    private let table = Mutex(Table())

    private struct Table {
        /// Links that have not introduced themselves, oldest first.
        var guests: [Link] = []
        /// Links that have: their events go to the owner.
        var known: Set<ObjectIdentifier> = []
        /// Every accepted link whose threads may still run.
        var links: [Link] = []
        /// Links that ended as guests, to be joined by the accepting thread.
        var ended: [Link] = []
        var refusals = RefusalLog()
        var isStopping = false

        mutating func removeGuest(_ link: Link) -> Bool {
            guard let index = guests.firstIndex(where: { $0 === link }) else { return false }
            guests.remove(at: index)
            return true
        }

        /// Whether there are any, or some that ended and are not joined yet.
        var hasGuests: Bool { !guests.isEmpty || !ended.isEmpty }

        /// The oldest, where there are too many; those that are on their way out do not count.
        var surplus: Link? {
            let staying = guests.filter { !$0.isDismissed }
            return staying.count > ClusterLimits.strangersMax ? staying.first : nil
        }

        mutating func takeEnded() -> [Link] {
            defer { ended = [] }
            return ended
        }
    }

    /// Events of accepted links go to `onEvent`, which owns the links from their first frame on.
    /// `tally` counts what goes over them.
    package init(
        listener: Listener, tally: ByteTally? = nil,
        onEvent: @escaping @Sendable (Link, Link.Event) -> Void
    ) throws(ThreadError) {
        self.listener = listener
        self.tally = tally
        address = listener.address
        let accepting = try OSThread(name: "accept") { [self] in
            attend(onEvent)
        }
        thread.withLock { $0 = accepting }
    }

    /// From now on nothing is said of those that go without an introduction: they have been told to
    /// end, or end because this side does.
    package func beginStopping() { table.withLock { $0.isStopping = true } }

    /// Stops accepting, ends every accepted link and joins all threads.
    ///
    /// What `onEvent` posts to has been closed before, so that no reader waits there.
    package func stop() {
        beginStopping()
        listener.stop()
        thread.withLock { $0.take() }?.join()
        let links = table.withLock { $0.links }
        for link in links { link.close(reason: "stopping") }
        for link in links { link.finish() }
        table.withLock { $0 = Table() }
    }

    /// The accepting thread's work, until `stop`.
    private func attend(_ onEvent: @escaping @Sendable (Link, Link.Event) -> Void) {
        var door = Door()
        while true {
            var now = MonotonicClock.now()
            let summary = table.withLock { $0.refusals.timeToSummary(now: now) }
            // Those who have yet to introduce themselves may end, and are joined then.
            let look = table.withLock { $0.hasGuests ? ClusterLimits.heartbeatInterval : nil }
            let timeout = [summary, door.nextDeadline.map { $0 - now }, look].compactMap { $0 }
                .min()
            let found = StreamWatch.wait(for: door.watched, or: listener, timeout: timeout)
            now = MonotonicClock.now()
            log { $0.tick(now: now) }
            for outcome in door.advance(ready: found.ready, now: now) { note(outcome, onEvent) }
            for link in table.withLock({ $0.takeEnded() }) { link.finish() }
            guard found.hasConnection else { continue }
            switch listener.acceptNow(writeTimeout: ClusterLimits.writeTimeout) {
            case .stopped: return
            // Without a free descriptor a listener that was stopped is never seen to be.
            case .none: if table.withLock({ $0.isStopping }) { return }
            case .stream(let stream):
                if let outcome = door.admit(stream, now: now) { note(outcome, onEvent) }
            }
        }
    }

    private func note(
        _ outcome: Door.Outcome, _ onEvent: @escaping @Sendable (Link, Link.Event) -> Void
    ) {
        switch outcome {
        case .refused(let peer, let reason): noteRefusal(of: peer, reason)
        case .opened(let stream): receive(stream, onEvent)
        }
    }

    /// Makes a link of an open stream. Those that say nothing are pushed out by newer ones.
    private func receive(
        _ stream: ByteStream, _ onEvent: @escaping @Sendable (Link, Link.Event) -> Void
    ) {
        do throws(ThreadError) {
            // The table is locked until the link stands in it, so its first event finds it there.
            let surplus = try table.withLock { table throws(ThreadError) in
                table.links.removeAll { $0.isFinished }
                let link = try Link(stream: stream, isStranger: true, tally: tally) {
                    [self] link, event in
                    if isForOwner(link, event) { onEvent(link, event) }
                }
                table.guests.append(link)
                table.links.append(link)
                return table.surplus
            }
            surplus?.close(reason: "too many others wait to introduce themselves")
        } catch {
            noteRefusal(of: stream.peer, "\(error)")
        }
    }

    private func isForOwner(_ link: Link, _ event: Link.Event) -> Bool {
        let id = ObjectIdentifier(link)
        switch event {
        case .frame:
            return table.withLock { table in
                if table.removeGuest(link) { table.known.insert(id) }
                return table.known.contains(id)
            }
        case .closed(let reason):
            let (isKnown, isGuest) = table.withLock { table in
                let isGuest = table.removeGuest(link)
                if isGuest { table.ended.append(link) }
                return (table.known.remove(id) != nil, isGuest)
            }
            if isGuest, let reason { noteRefusal(of: link.peer, reason) }
            return isKnown
        }
    }

    private func noteRefusal(of peer: String, _ reason: String) {
        guard !table.withLock({ $0.isStopping }) else { return }
        log { $0.refused(peer, reason, now: MonotonicClock.now()) }
    }

    private func log(_ decide: (inout RefusalLog) -> [String]) {
        Log.warnings(table.withLock { decide(&$0.refusals) })
    }
}
