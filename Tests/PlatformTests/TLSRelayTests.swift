// SPDX-License-Identifier: Apache-2.0

import Platform
import TestSupport
import Testing

/// Someone between the two ends, who sees, cuts, changes and repeats what goes over the wire.
struct TLSRelayTests {
    private static let security = StreamSecurity.token(ClusterToken())
    private let patience = StreamPair.patience
    private let listener: Listener

    init() throws {
        listener = try Listener(
            SocketAddress(host: "127.0.0.1", port: 0), security: Self.security)
    }

    /// Two ends with a tap between them, and what opening each came to.
    private func tapped(
        _ change: @escaping @Sendable (Int, UInt8) -> UInt8 = { $1 }
    ) throws -> (
        tap: WireTap, near: ByteStream, far: ByteStream,
        opened: (near: Result<Bool, SocketError>, far: Result<Bool, SocketError>)
    ) {
        let tap = try WireTap(before: listener.address, change: change)
        let near = try ByteStream(
            connectingTo: tap.address, security: Self.security, timeout: patience,
            writeTimeout: patience)
        let far = try #require(listener.accept(writeTimeout: patience))
        let found = Mailbox<Result<Bool, SocketError>>(capacity: 1)
        let opener = try OSThread(name: "open") {
            let result = Result { () throws(SocketError) in
                try far.open(timeout: StreamPair.patience)
            }
            if result != .success(true) { far.shutDown() }
            found.offer(result)
        }
        let result = Result { () throws(SocketError) in try near.open(timeout: patience) }
        opener.join()
        return (tap, near, far, (result, found.take(timeout: .zero) ?? .success(false)))
    }

    @Test func nothingThatIsSaidCanBeRead() throws {
        let (tap, near, far, opened) = try tapped()
        #expect(opened.near == .success(true) && opened.far == .success(true))
        let words = Array("carry this across the desert".utf8)
        try near.write(words)
        #expect(try far.read(count: words.count) == words)
        #expect(!tap.recording.isEmpty)
        #expect(!String(decoding: tap.recording, as: UTF8.self).contains("desert"))
        tap.stop()
    }

    @Test func beingCutOffIsAnErrorOfItsOwn() throws {
        let (tap, near, far, _) = try tapped()
        try near.write([1, 2, 3])
        #expect(try far.read(count: 3) == [1, 2, 3])
        tap.cut()
        #expect(throws: SocketError.tls(.truncated)) { try far.read(count: 1) }
        #expect(throws: SocketError.tls(.truncated)) { try near.read(count: 1) }
        tap.stop()
    }

    @Test func aChangedByteIsNoticed() throws {
        // Of the data: the handshake's bytes are fewer than the place that is changed.
        let (tap, near, far, opened) = try tapped { $0 == 5000 ? $1 ^ 1 : $1 }
        #expect(opened.far == .success(true))
        try near.write([UInt8](repeating: 7, count: 10_000))
        #expect(throws: SocketError.self) { try far.read(count: 10_000) }
        tap.stop()
    }

    @Test(arguments: [0, 5, 11, 43, 80, 150, 200, 250])
    func aHandshakeWithAChangedByteFails(place: Int) throws {
        let (tap, _, _, opened) = try tapped { $0 == place ? $1 ^ 1 : $1 }
        #expect(opened.near != .success(true) || opened.far != .success(true))
        #expect(opened.far != .success(true))
        tap.stop()
    }

    /// All that a client ever sent, word for word: each server's part is fresh, so the answer to
    /// it does not fit again.
    @Test func aRecordedConversationIsWorthNothing() throws {
        let (tap, near, far, _) = try tapped()
        try near.write([UInt8](repeating: 1, count: 1000))
        #expect(try far.read(count: 1000)?.count == 1000)
        near.shutDown()
        #expect(try far.read(count: 1) == nil)
        tap.stop()
        let replay = RawSocket.connect(to: listener.address)
        let server = try #require(listener.accept(writeTimeout: patience))
        #expect(RawSocket.send(tap.recording, to: replay))
        do {
            _ = try server.open(timeout: patience)
            Issue.record("a replayed handshake was taken")
        } catch {
            guard case .tls(.failed) = error else {
                Issue.record("\(error)")
                return
            }
        }
        RawSocket.close(replay)
    }
}
