// SPDX-License-Identifier: Apache-2.0

import Platform
import TestSupport
import Testing

struct ListenerTests {
    private let local = SocketAddress(host: "127.0.0.1", port: 0)

    @Test func theSystemChoosesAFreePort() throws {
        let first = try Listener(local, security: .plaintext)
        let second = try Listener(local, security: .plaintext)
        #expect(first.address.port != 0)
        #expect(first.address.port != second.address.port)
        #expect(first.address.host == "127.0.0.1")
    }

    @Test func aTakenPortIsRefused() throws {
        let first = try Listener(local, security: .plaintext)
        #expect(throws: SocketError.cannotListen(address: "\(first.address)", errno: 98)) {
            try Listener(first.address, security: .plaintext)
        }
    }

    @Test func stopEndsAccept() throws {
        let listener = try Listener(local, security: .plaintext)
        let ended = Mailbox<Bool>(capacity: 1)
        let thread = try OSThread(name: "accept") {
            ended.offer(listener.accept(writeTimeout: .seconds(1)) == nil)
        }
        listener.stop()
        thread.join()
        #expect(ended.take(timeout: .zero) == true)
        #expect(listener.accept(writeTimeout: .seconds(1)) == nil)
    }

    @Test func namesItsPeers() throws {
        let listener = try Listener(local, security: .plaintext)
        let near = try ByteStream(
            connectingTo: listener.address, security: .plaintext, timeout: .seconds(10),
            writeTimeout: .seconds(10))
        let far = try #require(listener.accept(writeTimeout: .seconds(10)))
        #expect(near.peer == "\(listener.address)")
        #expect(far.peer.hasPrefix("127.0.0.1:"))
        #expect(far.peer != near.peer)
    }

    /// Where a machine has both families, an IPv4 peer has an address that those can use who have
    /// IPv4 alone.
    @Test func namesIPv4PeersOfBothFamilies() throws {
        let any = SocketAddress(host: "::", port: 0)
        // A machine may have IPv4 alone.
        guard let listener = try? Listener(any, security: .plaintext) else { return }
        let near = try ByteStream(
            connectingTo: SocketAddress(host: "127.0.0.1", port: listener.address.port),
            security: .plaintext, timeout: .seconds(10), writeTimeout: .seconds(10))
        let far = try #require(listener.accept(writeTimeout: .seconds(10)))
        #expect(near.remoteAddress?.description == "127.0.0.1:\(listener.address.port)")
        #expect(far.peer.hasPrefix("127.0.0.1:"))
        #expect(far.localHost == "127.0.0.1")
    }
}
