// SPDX-License-Identifier: Apache-2.0

import Cluster
import Platform
import TestSupport
import Testing
import Wire

/// The door of a port: who gets past it, and what those cost who don't.
@Suite(.serialized)
struct AcceptorTests {
    /// An acceptor whose owner remembers whose events reached it.
    private final class Door {
        let acceptor: Acceptor
        let events = Mailbox<Link.Event>(capacity: 100)

        init(_ security: StreamSecurity = TestCluster.security) throws {
            Log.setThreshold(.error)
            let local = SocketAddress(host: "127.0.0.1", port: 0)
            let events = events
            acceptor = try Acceptor(listener: try Listener(local, security: security)) {
                events.post($1)
            }
        }

        func stop() {
            events.close()
            acceptor.stop()
        }
    }

    private let hello = Frame(epoch: 0, id: 0, message: .hello(.test()))

    @Test func theOwnerHearsOfThoseWithTheTokenAlone() throws {
        let door = try Door()
        #expect(throws: SocketError.tls(.wrongToken)) {
            try WireClient(door.acceptor.address, .token(ClusterToken()))
        }
        let plain = try WireClient(door.acceptor.address, .plaintext)
        plain.send(hello.encoded())
        #expect(plain.awaitError() == .refused)
        let member = try WireClient(door.acceptor.address)
        member.send(hello.encoded())
        guard case .frame(let frame)? = door.events.take(timeout: TestCluster.patience) else {
            Issue.record("the first event is no frame")
            return
        }
        #expect(frame == hello)
        member.close()
        guard case .closed? = door.events.take(timeout: TestCluster.patience) else {
            Issue.record("the second event is no end")
            return
        }
        door.stop()
    }

    @Test func aPlaintextPortTellsThoseWhoEncrypt() throws {
        let door = try Door(.plaintext)
        #expect(throws: SocketError.tls(.notEncrypted)) { try WireClient(door.acceptor.address) }
        let member = try WireClient(door.acceptor.address, .plaintext)
        member.send(hello.encoded())
        #expect(door.events.take(timeout: TestCluster.patience) != nil)
        door.stop()
    }

    @Test func beyondTheLimitTheOldestSilentOneGoes() throws {
        let door = try Door()
        let count = ClusterLimits.strangersMax
        let silent = (0..<count).map { _ in RawSocket.connect(to: door.acceptor.address) }
        let member = try WireClient(door.acceptor.address)
        // The first, and only it, has made room.
        #expect(RawSocket.receiveToEnd(from: silent[0]) == [])
        #expect(RawSocket.isQuiet(silent[1]))
        // One that has shown the token stays, however many come.
        for _ in 0..<2 * count {
            let another = RawSocket.connect(to: door.acceptor.address)
            RawSocket.close(another)
        }
        member.send(hello.encoded())
        #expect(door.events.take(timeout: TestCluster.patience) != nil)
        for descriptor in silent { RawSocket.close(descriptor) }
        door.stop()
    }

    /// Each newcomer pushes out one that has said nothing, also while others are on their way out.
    @Test func beyondTheLimitTheOldestOfThoseWhoProveThemselvesGo() throws {
        let door = try Door()
        let tooMany = 8
        let clients = try (0..<ClusterLimits.strangersMax + tooMany).map { _ in
            try WireClient(door.acceptor.address)
        }
        for client in clients[..<tooMany] { #expect(client.awaitEnd()) }
        clients[tooMany].send(hello.encoded())
        guard case .frame(hello)? = door.events.take(timeout: TestCluster.patience) else {
            Issue.record("one too many was pushed out")
            return
        }
        door.stop()
    }
}
