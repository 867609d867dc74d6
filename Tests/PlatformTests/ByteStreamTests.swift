// SPDX-License-Identifier: Apache-2.0

import Platform
import TestSupport
import Testing

struct ByteStreamTests {
    private let patience = Duration.seconds(10)

    private func pair() throws -> StreamPair { try StreamPair(security: .plaintext) }

    @Test func bytesArriveAsSent() throws {
        let pair = try pair()
        let (near, far) = (pair.near, pair.far)
        let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let received = Mailbox<[UInt8]>(capacity: 4)
        let reader = try OSThread(name: "read") {
            if let head = try? far.read(count: 5) { received.offer(head) }
            if let rest = try? far.read(count: bytes.count - 5) { received.offer(rest) }
        }
        try near.write(bytes)
        reader.join()
        #expect(received.take(timeout: .zero) == Array(bytes[..<5]))
        #expect(received.take(timeout: .zero) == Array(bytes[5...]))
    }

    /// So a long message that comes slowly can be told from silence.
    @Test func partsAreNoticed() throws {
        let pair = try pair()
        var parts = 0
        try pair.near.write([1, 2])
        let bytes = try pair.far.read(count: 4) {
            parts += 1
            try? pair.near.write([UInt8(2 + parts)])
        }
        #expect(bytes == [1, 2, 3, 4] && parts == 2)
    }

    @Test func thePeersEndIsNilBetweenAndAnErrorWithinWhatIsRead() throws {
        let pair = try pair()
        let (near, far) = (pair.near, pair.far)
        try near.write([1, 2, 3])
        near.shutDown()
        #expect(try far.read(count: 2) == [1, 2])
        #expect(throws: SocketError.closedEarly(missing: 3)) { try far.read(count: 4) }
        #expect(try far.read(count: 1) == nil)
        #expect(try far.read(count: 0) == [])
    }

    @Test func whatHasComeIsReadAtOnce() throws {
        let pair = try pair()
        let (near, far) = (pair.near, pair.far)
        #expect(throws: SocketError.timedOut(seconds: 0)) {
            try far.readSome(countMax: 9, timeout: .zero)
        }
        try near.write([1, 2, 3])
        #expect(try far.readSome(countMax: 2, timeout: patience) == [1, 2])
        #expect(try far.readSome(countMax: 2, timeout: patience) == [3])
        near.shutDown()
        #expect(try far.readSome(countMax: 2, timeout: patience) == nil)
    }

    @Test func aReadGivesUpOnSilence() throws {
        let pair = try pair()
        let (near, far) = (pair.near, pair.far)
        try near.write([1])
        #expect(throws: SocketError.timedOut(seconds: 0.02)) {
            try far.read(count: 2, timeout: .milliseconds(20))
        }
    }

    @Test func shutDownWakesAReader() throws {
        let pair = try pair()
        let (near, far) = (pair.near, pair.far)
        let ended = Mailbox<Bool>(capacity: 1)
        let reader = try OSThread(name: "read") {
            let bytes = try? far.read(count: 1)
            ended.offer(bytes == .some(nil))
        }
        far.shutDown()
        reader.join()
        #expect(ended.take(timeout: .zero) == true)
        _ = near
    }

    @Test func writingToNobodyThrows() throws {
        let pair = try pair()
        let (near, far) = (pair.near, pair.far)
        far.shutDown()
        near.shutDown()
        #expect(throws: SocketError.self) { try near.write([1]) }
    }

    @Test func writingToOneWhoTakesNothingThrows() throws {
        let listener = try Listener(SocketAddress(host: "127.0.0.1", port: 0), security: .plaintext)
        let near = try ByteStream(
            connectingTo: listener.address, security: .plaintext, timeout: patience,
            writeTimeout: .seconds(1))
        _ = try near.open(timeout: patience)
        let far = listener.accept(writeTimeout: patience)
        #expect(throws: SocketError.timedOut(seconds: 1)) {
            try near.write([UInt8](repeating: 0, count: 64 << 20))
        }
        _ = far
    }

    @Test func connectingToNobodyThrows() throws {
        let listener = try Listener(SocketAddress(host: "127.0.0.1", port: 0), security: .plaintext)
        let address = listener.address
        listener.stop()
        #expect(throws: SocketError.self) {
            try ByteStream(
                connectingTo: address, security: .plaintext, timeout: patience,
                writeTimeout: patience)
        }
        #expect(throws: SocketError.self) {
            try ByteStream(
                connectingTo: SocketAddress(host: "no such host.invalid", port: 1),
                security: .plaintext, timeout: patience, writeTimeout: patience)
        }
    }
}
