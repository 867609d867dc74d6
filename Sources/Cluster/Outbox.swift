// SPDX-License-Identifier: Apache-2.0

import Platform
import Synchronization
import Wire

/// What one link sends, in the order in which each thread gives it.
///
/// A small frame that finds nothing before it goes into the socket at once, from the thread that
/// has it: waking another costs some 50 µs, and a token's walk has as many hand-overs as hops. All
/// else, and what the socket does not take at once, waits for the link's writer, so that nobody
/// else waits for a peer.
final class Outbox: Sendable {
    /// What a write came to: bytes sent, and microseconds spent on them.
    typealias Spent = (byteCount: Int, microseconds: Int)

    /// Held by whoever writes.
    private struct Writing {
        /// Of a frame that the socket took in part.
        var rest: ArraySlice<UInt8> = []
        var isOver = false
    }

    /// Larger ones are encrypted by the writer, while their maker goes on. Room for 64 KiB of
    /// activations, and for what stands before them.
    static let directBytesMax = 68 << 10

    private let stream: ByteStream
    private let onSent: @Sendable (Spent) -> Void
    /// nil stands for the rest of a frame.
    private let queue = Mailbox<Frame?>(capacity: ClusterLimits.outgoingFramesMax)
    private let shipping = Mailbox<Void>(capacity: ClusterLimits.shippingChunksMax)
    private let writing = Mutex(Writing())
    /// Frames given and not yet sent. Whoever raises it from zero has nothing before it.
    private let waitingCount = Atomic(0)
    private let isOpen = Atomic(false)
    /// Closed when nothing more will be written.
    private let written = Mailbox<Void>(capacity: 1)

    /// `onSent` hears of each write, on the thread that made it.
    init(_ stream: ByteStream, onSent: @escaping @Sendable (Spent) -> Void) {
        self.stream = stream
        self.onSent = onSent
    }

    var isClosed: Bool { queue.isClosed }

    /// Sends or queues `frame`, without waiting; false where there is no room or the link is over.
    ///
    /// Throws what the socket says.
    func send(_ frame: Frame) throws(SocketError) -> Bool {
        let isFirst = waitingCount.add(1, ordering: .acquiringAndReleasing).oldValue == 0
        if isFirst, frame.byteCount <= Self.directBytesMax, !queue.isClosed,
            isOpen.load(ordering: .acquiring), try sendNow(frame)
        {
            return true
        }
        if queue.offer(frame) { return true }
        noteSent()
        return false
    }

    /// Queues a blob chunk, waiting while enough of them are under way; false once closed.
    func ship(_ frame: Frame) -> Bool {
        guard shipping.post(()) else { return false }
        waitingCount.add(1, ordering: .acquiringAndReleasing)
        if queue.post(frame) { return true }
        noteSent()
        return false
    }

    /// Takes nothing more. What is queued is still sent.
    func close() {
        queue.close()
        shipping.close()
    }

    /// Waits until all that was queued before `close` is sent, or can't be.
    func waitUntilSent() { _ = written.take(timeout: ClusterLimits.writeTimeout) }

    // MARK: The caller's part

    /// False where another thread is writing after all.
    private func sendNow(_ frame: Frame) throws(SocketError) -> Bool {
        let bytes = frame.encoded()
        let start = MonotonicClock.now()
        let outcome = writing.withLockIfAvailable { writing -> Result<Int, SocketError>? in
            guard !writing.isOver else { return nil }
            do throws(SocketError) {
                let sent = try stream.writeNow(bytes[...])
                if sent < bytes.count { writing.rest = bytes[sent...] }
                return .success(sent)
            } catch {
                // Nothing may follow what the socket has of this frame.
                writing.isOver = true
                return .failure(error)
            }
        }
        guard let sent = try outcome??.get() else { return false }
        onSent((sent, (MonotonicClock.now() - start).microseconds))
        if sent == bytes.count {
            noteSent()
        } else {
            // Where there is no room for this, the writer has something to wake it as well.
            queue.offer(nil)
        }
        return true
    }

    private func noteSent() { waitingCount.subtract(1, ordering: .acquiringAndReleasing) }

    // MARK: The writer's part

    /// Writes what is queued until `close`, then ends this direction of the stream; the writer's
    /// whole life.
    ///
    /// Throws what the socket says.
    func run() throws(SocketError) {
        isOpen.store(true, ordering: .releasing)
        while let frame = queue.take() { try write(frame) }
        close()
        try writing.withLock { writing throws(SocketError) in
            guard !writing.isOver else { return }
            writing.isOver = true
            // What the queue had no place for.
            try stream.write(writing.rest)
            stream.endWriting()
        }
        written.close()
    }

    /// After a failure: nothing more gets through, so no goodbye either.
    func abandon() {
        close()
        stream.shutDown()
        writing.withLock { $0.isOver = true }
        written.close()
    }

    private func write(_ frame: Frame?) throws(SocketError) {
        let bytes = frame?.encoded() ?? []
        let start = MonotonicClock.now()
        let written = try writing.withLock { writing throws(SocketError) -> Int? in
            guard !writing.isOver else { return nil }
            let count = writing.rest.count
            if count > 0 { try stream.write(writing.rest) }
            writing.rest = []
            if frame != nil { try stream.write(bytes[...]) }
            return count
        }
        guard let restCount = written else { return }
        if case .blobChunk? = frame?.message { _ = shipping.take(timeout: .zero) }
        guard restCount + bytes.count > 0 else { return }
        onSent((restCount + bytes.count, (MonotonicClock.now() - start).microseconds))
        if restCount > 0 { noteSent() }
        if frame != nil { noteSent() }
    }
}
