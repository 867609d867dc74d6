// SPDX-License-Identifier: Apache-2.0

import Platform
import Testing

/// Streams with a cluster token at both ends, and what else may come to such a port.
struct TLSStreamTests {
    private static let token = ClusterToken()
    private static let security = StreamSecurity.token(token)
    private let patience = StreamPair.patience

    // MARK: Peers that don't belong

    @Test func anotherTokenIsRefusedOnBothSides() throws {
        let (near, far) = try StreamPair.connected(.token(ClusterToken()), Self.security)
        let opened = try StreamPair.openBoth(near, far)
        #expect(opened.near == .failure(.tls(.wrongToken)))
        #expect(opened.far == .failure(.tls(.wrongToken)))
    }

    @Test func plaintextIsNoticedOnBothSides() throws {
        let (near, far) = try StreamPair.connected(.plaintext, Self.security)
        #expect(try near.open(timeout: patience))
        try near.write(Array("CRVN and more".utf8))
        #expect(throws: SocketError.tls(.notEncrypted)) { try far.open(timeout: patience) }
        far.answerUnencrypted([7])
        #expect(try near.read(count: 1) == [7])
        #expect(try near.read(count: 1) == nil)

        let (client, server) = try StreamPair.connected(Self.security, .plaintext)
        let answering = try OSThread(name: "answer") {
            do {
                _ = try server.open(timeout: StreamPair.patience)
            } catch SocketError.tls(.unexpectedTLS) {
                server.answerUnencrypted(Array("CRVN".utf8))
            } catch {}
        }
        #expect(throws: SocketError.tls(.notEncrypted)) { try client.open(timeout: patience) }
        answering.join()
    }

    @Test(arguments: [1, 5, 6, 100, 65_536])
    func randomBytesThatBeginLikeTLSAreRefused(count: Int) throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20 {
            let (near, far) = try StreamPair.connected(.plaintext, Self.security)
            #expect(try near.open(timeout: patience))
            let noise = (1..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            try near.write([0x16] + noise)
            near.endWriting()
            #expect(throws: SocketError.self) { try far.open(timeout: patience) }
        }
    }

    /// Two records that announce a message of 16 MiB: refused for what they announce.
    @Test func messagesOfAbsurdLengthAreRefused() throws {
        let (near, far) = try StreamPair.connected(.plaintext, Self.security)
        #expect(try near.open(timeout: patience))
        let head: [UInt8] = [0x16, 3, 1, 0x40, 0, 1, 0xFF, 0xFF, 0xFF]
        try near.write(head + [UInt8](repeating: 0, count: 30_000))
        #expect(throws: SocketError.self) { try far.open(timeout: patience) }
    }

    @Test func silenceIsBounded() throws {
        let (near, far) = try StreamPair.connected(.plaintext, Self.security)
        #expect(throws: SocketError.timedOut(seconds: 0.02)) {
            try far.open(timeout: .milliseconds(20))
        }
        _ = near
        // A record that never ends, too.
        let (slow, other) = try StreamPair.connected(.plaintext, Self.security)
        #expect(try slow.open(timeout: patience))
        try slow.write([0x16, 3, 1])
        #expect(throws: SocketError.timedOut(seconds: 0.02)) {
            try other.open(timeout: .milliseconds(20))
        }
        // And a server that never answers.
        let (client, mute) = try StreamPair.connected(Self.security, .plaintext)
        #expect(throws: SocketError.timedOut(seconds: 0.02)) {
            try client.open(timeout: .milliseconds(20))
        }
        _ = mute
    }

    @Test func leavingWithoutAWordIsNoError() throws {
        let (near, far) = try StreamPair.connected(.plaintext, Self.security)
        near.shutDown()
        #expect(try far.open(timeout: patience) == false)
    }

    // MARK: Peers that do

    @Test func bothSidesSendAtOnce() throws {
        let pair = try StreamPair(security: Self.security)
        let ends = [("near", pair.near, pair.far), ("far", pair.far, pair.near)]
        let sum = Mailbox<Bool>(capacity: 2)
        var threads: [OSThread] = []
        for (name, from, to) in ends {
            let seed = UInt64(name.utf8.count)
            let count = 24 << 20
            threads.append(
                try OSThread(name: "write") {
                    let bytes = RandomBytes.make(count: count, seed: seed)
                    var sent = 0
                    var piece = 1
                    while sent < count {
                        let next = min(count, sent + piece)
                        guard (try? from.write(Array(bytes[sent..<next]))) != nil else { return }
                        sent = next
                        piece = piece * 3 % 300_007 + 1
                    }
                })
            threads.append(
                try OSThread(name: "read") {
                    var received: [UInt8] = []
                    var piece = 7
                    while received.count < count {
                        let wanted = min(piece, count - received.count)
                        guard let part = try? to.read(count: wanted) else { break }
                        received += part
                        piece = piece * 5 % 200_003 + 1
                    }
                    sum.offer(received == RandomBytes.make(count: count, seed: seed))
                })
        }
        for thread in threads { thread.join() }
        #expect(sum.take(timeout: .zero) == true && sum.take(timeout: .zero) == true)
    }

    @Test func aReadGivesUpOnSilence() throws {
        let pair = try StreamPair(security: Self.security)
        try pair.near.write([1])
        #expect(throws: SocketError.timedOut(seconds: 0.02)) {
            try pair.far.read(count: 2, timeout: .milliseconds(20))
        }
    }

    @Test func writingToOneWhoTakesNothingThrows() throws {
        let pair = try StreamPair(security: Self.security, writeTimeout: .seconds(1))
        #expect(throws: SocketError.timedOut(seconds: 1)) {
            try pair.near.write([UInt8](repeating: 0, count: 64 << 20))
        }
    }

    // MARK: Ends

    @Test func aGoodbyeIsAnEnd() throws {
        let pair = try StreamPair(security: Self.security)
        try pair.near.write([1, 2, 3])
        pair.near.endWriting()
        #expect(try pair.far.read(count: 2) == [1, 2])
        #expect(throws: SocketError.closedEarly(missing: 3)) { try pair.far.read(count: 4) }
        #expect(try pair.far.read(count: 1) == nil)
        // The other direction still works.
        try pair.far.write([9])
        #expect(try pair.near.read(count: 1) == [9])
        let other = try StreamPair(security: Self.security)
        other.near.shutDown()
        #expect(try other.far.read(count: 1) == nil)
    }

    @Test func shutDownWakesAReader() throws {
        let pair = try StreamPair(security: Self.security)
        let far = pair.far
        let ended = Mailbox<Bool>(capacity: 1)
        let reader = try OSThread(name: "read") {
            let bytes = try? far.read(count: 1)
            ended.offer(bytes == .some(nil))
        }
        far.shutDown()
        reader.join()
        #expect(ended.take(timeout: .zero) == true)
    }

    @Test func writingAfterTheEndThrows() throws {
        let pair = try StreamPair(security: Self.security)
        pair.far.shutDown()
        pair.near.shutDown()
        #expect(throws: SocketError.self) { try pair.near.write([1]) }
    }
}
