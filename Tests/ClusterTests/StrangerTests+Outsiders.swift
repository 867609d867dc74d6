// SPDX-License-Identifier: Apache-2.0

import Cluster
import Platform
import TestSupport
import Testing
import Wire

/// Those who do not have the cluster token.
extension StrangerTests {
    private var hello: Frame { Frame(epoch: 0, id: 0, message: .hello(.test())) }

    @Test func anotherToken() throws {
        try bothPorts { port in
            for _ in 0..<20 {
                #expect(throws: SocketError.tls(.wrongToken)) {
                    try WireClient(port, .token(ClusterToken()))
                }
            }
        }
    }

    @Test func noEncryption() throws {
        try bothPorts { port in
            let client = try WireClient(port, .plaintext)
            client.send(hello.encoded())
            #expect(client.awaitError() == .refused)
        }
    }

    @Test func aConversationRecordedAndRepeated() throws {
        try bothPorts { port in
            let tap = try WireTap(before: port)
            let client = try WireClient(tap.address)
            client.send(.hello(.test(versions: 9...9)))
            #expect(client.awaitEnd())
            tap.stop()
            for _ in 0..<10 {
                let replay = RawSocket.connect(to: port)
                RawSocket.send(tap.recording, to: replay)
                // What comes is the server's half of the handshake, an alert, and the end.
                let answer = try #require(RawSocket.receiveToEnd(from: replay))
                #expect(answer.starts(with: [0x16, 3, 3]))
                RawSocket.close(replay)
            }
        }
    }

    @Test func noiseAndAbsurdLengthsWithoutToken() throws {
        let length = (0..<8).map { UInt8(truncatingIfNeeded: (UInt64(1) << 63) >> UInt64($0 * 8)) }
        var frame = hello.encoded()
        frame.replaceSubrange(12..<16, with: [0xFF, 0xFF, 0xFF, 0xFF])
        try bothPorts { port in
            var random = SeededRandom(seed: 5)
            let noise = (0..<4096).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            for bytes in [
                noise, [0x16] + noise, length, [0x16] + length, frame, [0x16, 3, 1] + frame,
            ] {
                let stranger = RawSocket.connect(to: port)
                RawSocket.send(bytes, to: stranger)
                RawSocket.endSending(stranger)
                #expect(RawSocket.receiveToEnd(from: stranger) != nil)
                RawSocket.close(stranger)
            }
        }
    }

    @Test func silenceOfMoreThanMayWait() throws {
        var silent: [Int32] = []
        try bothPorts { port in
            for _ in 0..<ClusterLimits.strangersMax * 2 {
                silent.append(RawSocket.connect(to: port))
            }
        }
        for descriptor in silent {
            #expect(RawSocket.receiveToEnd(from: descriptor) == [])
            RawSocket.close(descriptor)
        }
    }
}
