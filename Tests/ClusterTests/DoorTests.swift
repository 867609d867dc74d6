// SPDX-License-Identifier: Apache-2.0

import Cluster
import Platform
import TestSupport
import Testing

/// Time for those who have not proved that they belong here; it is an argument.
struct DoorTests {
    private let listener: Listener
    private let visitor: Int32
    private var door = Door()
    private let start = Duration.seconds(100)

    init() throws {
        listener = try Listener(
            SocketAddress(host: "127.0.0.1", port: 0), security: TestCluster.security)
        visitor = RawSocket.connect(to: listener.address)
        let stream = try #require(listener.accept(writeTimeout: TestCluster.patience))
        #expect(door.admit(stream, now: start) == nil)
    }

    private func reasons(_ outcomes: [Door.Outcome]) -> [String] {
        outcomes.map { outcome in
            switch outcome {
            case .opened: "opened"
            case .refused(_, let reason): reason
            }
        }
    }

    @Test func theTimeIsShort() { #expect(ClusterLimits.handshakeTimeout <= .seconds(5)) }

    /// Saying a little now and then gains no time.
    @Test(arguments: [false, true])
    mutating func whoProvesNothingGoesWhenTheTimeIsOver(speaks: Bool) throws {
        let end = start + ClusterLimits.handshakeTimeout
        #expect(door.nextDeadline == end)
        // The head of a record that never comes.
        for byte: UInt8 in speaks ? [0x16, 0x03, 0x01] : [] {
            #expect(RawSocket.send([byte], to: visitor))
            let now = end - .milliseconds(1)
            let found = StreamWatch.wait(
                for: door.watched, or: listener, timeout: TestCluster.patience)
            #expect(found.ready == [0])
            #expect(reasons(door.advance(ready: [0], now: now)) == [])
        }
        #expect(reasons(door.advance(ready: [], now: end - .nanoseconds(1))) == [])
        #expect(door.watched.count == 1)
        #expect(door.nextDeadline == end)
        #expect(
            reasons(door.advance(ready: [], now: end))
                == ["it did not prove within 5 s that it belongs here"])
        #expect(door.watched.isEmpty)
        #expect(door.nextDeadline == nil)
        #expect(RawSocket.receiveToEnd(from: visitor) != nil)
        RawSocket.close(visitor)
    }
}
