// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
import Platform
import TestSupport
import Testing
import Wire

@Suite struct ProbeTests {
    @Test func linkIsMeasuredWithoutItsOwners() throws {
        // The answers have to come soon: on a busy machine another link is tried.
        var measured: (LinkPair, NetworkPath)?
        for _ in 0..<50 where measured == nil {
            let pair = try LinkPair()
            measured = pair.near.measurePath().map { (pair, $0) }
            if measured == nil { pair.finish() }
        }
        let (pair, path) = try #require(measured)
        #expect(path.roundTripSeconds > 0 && path.roundTripSeconds < LinkProbe.timeMax)
        #expect(path.bytesPerSecond > 0 && path.bytesPerSecond.isFinite)
        // Neither side's owner has heard of it, and a link is measured once.
        #expect(pair.near.measurePath() == nil)
        pair.near.send(Frame(epoch: 1, id: 9, message: .bye))
        #expect(LinkPair.frame(pair.farEvents)?.id == 9)
        pair.finish()
    }

    @Test func measurementEndsWithTheLink() throws {
        let pair = try LinkPair()
        pair.near.close(reason: "enough")
        #expect(pair.near.measurePath() == nil)
        pair.finish()
    }

    /// Sends `frames` to a link, which must refuse them.
    private func expectRefusal(_ frames: [Frame]) throws {
        let listener = try Listener(
            SocketAddress(host: "127.0.0.1", port: 0), security: TestCluster.security)
        let client = try withAccepted(listener)
        let (peer, link, events) = client
        for frame in frames { peer.send(frame.encoded()) }
        #expect(peer.awaitError() == .unexpectedFrame)
        events.close()
        link.finish()
    }

    private func withAccepted(
        _ listener: Listener
    ) throws -> (WireClient, Link, Mailbox<Link.Event>) {
        let patience = TestCluster.patience
        let stream = try ByteStream(
            connectingTo: listener.address, security: TestCluster.security, timeout: patience,
            writeTimeout: patience)
        let events = Mailbox<Link.Event>(capacity: 100)
        let accepted = try #require(listener.accept(writeTimeout: patience))
        let link = try Link(stream: accepted, isStranger: false) { events.post($1) }
        return (try WireClient(stream), link, events)
    }

    @Test func moreProbesThanAllowedAreRefused() throws {
        let probe = Message.probe(Probe(filler: []))
        try expectRefusal(
            (1...Limits.probesMax + 1).map { Frame(epoch: 0, id: UInt64($0), message: probe) })
    }

    @Test func moreFillerThanAllowedIsRefused() throws {
        let filler = [UInt8](repeating: 7, count: Limits.probeBytesMax)
        try expectRefusal(
            (1...3).map { Frame(epoch: 0, id: $0, message: .probe(Probe(filler: filler))) })
    }

    @Test func answerToNothingIsRefused() throws {
        try expectRefusal([Frame(epoch: 0, id: 1, message: .probeAnswer(ProbeAnswer(count: 0)))])
    }

    @Test func silentPeerIsNotWaitedForLong() throws {
        let listener = try Listener(
            SocketAddress(host: "127.0.0.1", port: 0), security: TestCluster.security)
        let (_, link, events) = try withAccepted(listener)
        // The client reads nothing, so no probe is answered.
        #expect(link.measurePath() == nil)
        events.close()
        link.finish()
    }
}
