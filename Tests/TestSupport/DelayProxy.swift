// SPDX-License-Identifier: Apache-2.0

import Glibc
package import Platform
import Synchronization

/// A network that takes time: passes on every connection to a server, each piece of it some time
/// after it came. Order is kept, the rate has no limit, and nothing is lost until it fails for
/// good: by `cut`, as where a process dies, or by `freeze`, as where one hangs.
package final class DelayProxy: Sendable {
    package enum Direction: Sendable { case toServer, toClient }

    /// What is passed on for the pieces of one direction of one connection, asked in their order.
    package typealias Change = @Sendable (_ piece: [UInt8]) -> [UInt8]

    private struct Piece {
        let due: Duration
        let bytes: [UInt8]
    }

    package let address: SocketAddress
    private let listening: Int32
    private let target: SocketAddress
    private let delay: Duration
    private let change: @Sendable (Direction) -> Change
    private let ends = Mutex<[Int32]>([])
    private let isCut = Atomic(false)
    private let isFrozen = Atomic(false)
    private let threads = Mutex<[OSThread]>([])

    /// Pieces on their way in one direction; the sender waits beyond it.
    private static let piecesMax = 65_536
    private static let pieceBytesMax = 65_536

    /// Listens on loopback.
    package init(
        before target: SocketAddress, delay: Duration,
        change: @escaping @Sendable (Direction) -> Change = { _ in { $0 } }
    ) throws {
        let socket = try PassiveSocket.open(SocketAddress(host: "127.0.0.1", port: 0))
        listening = socket.descriptor
        address = SocketAddress(host: "127.0.0.1", port: socket.port)
        self.target = target
        self.delay = delay
        self.change = change
        run("delay-accept") { [self] in
            while true {
                let near = accept(listening, nil, nil)
                guard near >= 0 else { return }
                relay(near)
            }
        }
    }

    /// Ends all connections, as a dead process does: nobody says goodbye, nobody comes in any more.
    package func cut() {
        _ = shutdown(listening, Int32(SHUT_RDWR))
        ends.withLock { ends in
            isCut.store(true, ordering: .relaxed)
            for descriptor in ends { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }

    /// Passes nothing on any more, not even an end. Connections stay, and new ones are taken.
    package func freeze() { isFrozen.store(true, ordering: .relaxed) }

    /// Ends all connections and joins every thread.
    package func stop() {
        cut()
        // The one that accepts ends first; then there are no new connections.
        threads.withLock { $0.removeFirst() }.join()
        for thread in threads.withLock({ $0 }) { thread.join() }
        ends.withLock { for descriptor in $0 { close(descriptor) } }
        close(listening)
    }

    private func run(_ name: String, _ body: @escaping @Sendable () -> Void) {
        threads.withLock { threads in
            if let thread = try? OSThread(name: name, body) { threads.append(thread) }
        }
    }

    private func relay(_ near: Int32) {
        let far = RawSocket.connect(to: target)
        guard far >= 0 else {
            close(near)
            return
        }
        let isLate = ends.withLock { ends in
            ends += [near, far]
            return isCut.load(ordering: .relaxed)
        }
        guard !isLate else {
            for descriptor in [near, far] { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }
            return
        }
        for descriptor in [near, far] {
            var on: Int32 = 1
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, 4)
        }
        carry(from: near, to: far, change(.toServer))
        carry(from: far, to: near, change(.toClient))
    }

    private func carry(from source: Int32, to sink: Int32, _ change: @escaping Change) {
        let pieces = Mailbox<Piece>(capacity: Self.piecesMax)
        run("delay-read") { [self] in
            var buffer = [UInt8](repeating: 0, count: Self.pieceBytesMax)
            while true {
                let got = recv(source, &buffer, buffer.count, 0)
                guard got > 0 else { break }
                let bytes = change(Array(buffer[..<got]))
                guard pieces.post(Piece(due: MonotonicClock.now() + delay, bytes: bytes)) else {
                    break
                }
            }
            pieces.close()
        }
        run("delay-write") { [self] in
            let never = Mailbox<Void>(capacity: 1)
            while let piece = pieces.take() {
                _ = never.take(timeout: max(.zero, piece.due - MonotonicClock.now()))
                guard !isFrozen.load(ordering: .relaxed) else { continue }
                guard RawSocket.send(piece.bytes, to: sink) else { break }
            }
            pieces.close()
            guard !isFrozen.load(ordering: .relaxed) else { return }
            _ = shutdown(sink, Int32(SHUT_WR))
        }
    }
}
