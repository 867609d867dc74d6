// SPDX-License-Identifier: Apache-2.0

package import Platform
import Synchronization
package import Wire

/// One connection between two processes: frames in by a reader thread, out by an outbox and the
/// writer thread behind it.
///
/// The reader hands every frame to `onEvent` and, as its very last call, `.closed`. Whoever
/// receives `.closed` calls `finish()` from another thread to join both. To call it earlier is safe
/// only where `onEvent` cannot wait for the caller: a reader that waits for room in its owner's
/// mailbox cannot be joined by that owner.
package final class Link: Sendable {
    package enum Event: Sendable {
        case frame(Frame)
        /// The link is over; the text says why, nil after a plain end.
        case closed(reason: String?)
    }

    package let peer: String
    /// This machine's address as the peer has it.
    package let localHost: String?
    /// The peer's address as this machine has it, found without asking anybody.
    let remoteAddress: SocketAddress?
    private let stream: ByteStream
    private let outbox: Outbox
    private let reader = Mutex<OSThread?>(nil)
    private let writer = Mutex<OSThread?>(nil)
    private let counters: LinkTally
    let probes = ProbeExchange()
    private let parting = Mutex<Parting>(Parting())

    private struct Parting {
        var reason: String?
        var isDismissed = false
    }

    /// Takes over `stream` and opens it. A stranger has a limited time and size for that and its
    /// first frame. What goes over the link is also counted in `tally`. Without a thread for it
    /// there is no link, and no event of one.
    package init(
        stream: ByteStream, isStranger: Bool, tally: ByteTally? = nil,
        onEvent: @escaping @Sendable (Link, Event) -> Void
    ) throws(ThreadError) {
        self.stream = stream
        let counters = LinkTally(cluster: tally)
        self.counters = counters
        outbox = Outbox(stream) { counters.noteSent($0) }
        peer = stream.peer
        localHost = stream.localHost
        remoteAddress = stream.remoteAddress
        // The thread is stored before it can end: whoever it calls may look for it.
        try reader.withLock { reader throws(ThreadError) in
            reader = try OSThread(name: "link-read") { [self] in
                let reason = run(isStranger: isStranger) { onEvent(self, .frame($0)) }
                outbox.close()
                probes.close()
                onEvent(self, .closed(reason: reason))
            }
        }
    }

    /// Sends `frame` without waiting, or queues it. False when the link is closed, or so far behind
    /// that it is now closed.
    @discardableResult
    package func send(_ frame: Frame) -> Bool {
        do {
            if try outbox.send(frame) { return true }
            if !outbox.isClosed { close(reason: "too many frames wait to be sent") }
        } catch {
            fail(error)
        }
        return false
    }

    /// Queues a blob chunk, waiting while enough of them are under way; false once closed.
    package func ship(_ frame: Frame) -> Bool {
        outbox.ship(frame)
    }

    /// Ends the link after what is queued has been sent.
    package func closeAfterSending() { outbox.close() }

    /// Tells the peer what it did wrong, then ends the link; `.closed` follows.
    package func refuse(_ code: ErrorNotice.Code, _ message: String) {
        dismiss(message)
        let notice = ErrorNotice(code: code, message: message)
        send(Frame(epoch: 0, id: 0, message: .error(notice)))
        closeAfterSending()
    }

    /// Whether this side has ended the link: what still comes over it counts for nothing.
    package var isDismissed: Bool { parting.withLock { $0.isDismissed } }

    /// Waits until everything queued before `closeAfterSending` is sent, or can't be.
    package func waitUntilSent() { outbox.waitUntilSent() }

    /// Ends the link now; `.closed` follows with `reason`.
    package func close(reason: String) {
        dismiss(reason)
        outbox.close()
        probes.close()
        stream.shutDown()
    }

    /// Joins the link's threads. Not from within `onEvent`.
    package func finish() {
        stream.shutDown()
        outbox.close()
        // In this order: the reader starts the writer.
        reader.withLock { $0.take() }?.join()
        writer.withLock { $0.take() }?.join()
    }

    /// Whether `finish` has been called.
    package var isFinished: Bool { reader.withLock { $0 == nil } }

    private func dismiss(_ reason: String) {
        parting.withLock {
            $0.reason = $0.reason ?? reason
            $0.isDismissed = true
        }
    }

    package var traffic: LinkCounters { counters.now }

    /// Time since anything came from the peer, or since the link began.
    package var silence: Duration { MonotonicClock.now() - traffic.lastHeard }

    // MARK: Round trip

    /// A round trip that something else than a heartbeat found.
    func note(roundTrip: Duration) { counters.note(roundTrip: roundTrip) }

    /// Remembers when heartbeat `id` was queued.
    func noteBeat(_ id: UInt64) { counters.noteBeat(id) }

    /// Takes the echo of the last heartbeat as a measurement of the round trip.
    func noteEcho(_ frame: Frame) { counters.noteEcho(frame.id) }

    /// What the kernel knows of the way to the peer.
    var pathReading: (roundTripMicroseconds: UInt32, bytesPerSecond: UInt64) { stream.pathReading }

    /// 0 before the first.
    var roundTripMicroseconds: Int { traffic.roundTrips.least ?? 0 }

    // MARK: Reader

    /// Opens the stream, starts the writer and reads to the end; why it ended.
    private func run(isStranger: Bool, _ deliver: (Frame) -> Void) -> String? {
        let deadline = MonotonicClock.now() + ClusterLimits.firstFrameTimeout
        do {
            guard try stream.open(timeout: ClusterLimits.handshakeTimeout) else {
                return abandon(reason: nil)
            }
            let writing = try OSThread(name: "link-write") { [self] in write() }
            writer.withLock { $0 = writing }
        } catch {
            return abandon(reason: "\(error)")
        }
        return read(until: isStranger ? deadline : nil, deliver)
    }

    /// Ends a connection that was never opened, as the writer ends all others.
    private func abandon(reason: String?) -> String? {
        outbox.abandon()
        return parting.withLock { $0.reason } ?? reason
    }

    /// With `deadline`, the first frame has to be there by then and has to be one that introduces.
    private func read(until deadline: Duration?, _ deliver: (Frame) -> Void) -> String? {
        do {
            var isFirst = deadline != nil
            func timeout() -> Duration? {
                guard isFirst, let deadline else { return nil }
                return max(.zero, deadline - MonotonicClock.now())
            }
            while true {
                guard let head = try stream.read(count: Limits.headerBytes, timeout: timeout())
                else { break }
                let header = try FrameHeader(decoding: head, isFirst: isFirst)
                let count = header.payloadLength
                guard
                    let payload = try stream.read(
                        count: count, timeout: timeout(), onPart: counters.noteHeard)
                else {
                    throw SocketError.closedEarly(missing: count)
                }
                counters.noteReceived(head.count + count)
                let frame = try Frame(header: header, payload: payload)
                switch probes.take(frame) {
                case .other: deliver(frame)
                case .answer(let answer): send(answer)
                case .taken: break
                case .refused(let reason): refuse(.unexpectedFrame, reason)
                }
                isFirst = false
            }
            return parting.withLock { $0.reason }
        } catch let error as WireError {
            // The rule is named to the peer, then the link ends; the process lives on.
            send(Frame(epoch: 0, id: 0, message: .error(error.notice)))
            closeAfterSending()
            waitUntilSent()
            // What is left unread when a socket closes makes the kernel reset the connection, and
            // the peer would lose the error frame.
            stream.discardInput(
                byteCountMax: ClusterLimits.discardBytesMax, timeout: ClusterLimits.lingerTime)
            return parting.withLock { $0.reason } ?? "protocol error: \(error)"
        } catch {
            return parting.withLock { $0.reason } ?? "\(error)"
        }
    }

    // MARK: Writer

    private func write() {
        do {
            try outbox.run()
        } catch {
            return fail(error)
        }
        // The peer has a moment to read what was sent and to close its side.
        stream.waitForHangUp(timeout: ClusterLimits.lingerTime)
        stream.shutDown()
    }

    /// What was to be sent can't be.
    private func fail(_ error: SocketError) {
        parting.withLock { $0.reason = $0.reason ?? "\(error)" }
        outbox.abandon()
    }
}

extension Link {
    /// Ends a link for steps after what its other side, `name`, has sent: the reader has taken
    /// answers to probes, and there is nothing else to send but an error.
    func end(after frame: Frame, from name: String) {
        if case .error(let notice) = frame.message {
            Log.warning("\(name): \(notice.message)")
            close(reason: notice.message)
        } else {
            refuse(.unexpectedFrame, "who takes steps only answers probes")
        }
    }
}
