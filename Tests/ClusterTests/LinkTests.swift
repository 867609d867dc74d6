// SPDX-License-Identifier: Apache-2.0

import Cluster
import Platform
import TestSupport
import Testing
import Wire

struct LinkTests {
    private let bye = Frame(epoch: 3, id: 4, message: .bye)

    @Test func framesArriveInOrderAndCounted() throws {
        let pair = try LinkPair()
        for id in 1...50 { #expect(pair.near.send(Frame(epoch: 1, id: UInt64(id), message: .bye))) }
        for id in 1...50 { #expect(LinkPair.frame(pair.farEvents)?.id == UInt64(id)) }
        #expect(pair.far.traffic.receivedBytes == 50 * Limits.headerBytes)
        pair.finish()
    }

    @Test func whatIsQueuedIsSentBeforeTheEnd() throws {
        let pair = try LinkPair()
        for _ in 0..<500 { pair.near.send(bye) }
        pair.near.closeAfterSending()
        #expect(!pair.near.send(bye))
        for _ in 0..<500 { #expect(LinkPair.frame(pair.farEvents) == bye) }
        #expect(LinkPair.closing(pair.farEvents) == "")
        #expect(LinkPair.closing(pair.nearEvents) == "")
        pair.finish()
    }

    @Test func closingGivesItsReason() throws {
        let pair = try LinkPair()
        pair.near.close(reason: "enough")
        pair.near.close(reason: "more than enough")
        #expect(pair.near.isDismissed)
        #expect(LinkPair.closing(pair.nearEvents) == "enough")
        #expect(LinkPair.closing(pair.farEvents) != nil)
        #expect(!pair.far.isDismissed)
        #expect(!pair.near.ship(bye))
        pair.finish()
        #expect(pair.near.isFinished)
    }

    @Test func refusingTellsThePeerInWhatFitsAFrame() throws {
        let pair = try LinkPair()
        pair.near.refuse(.refused, "no\nway " + String(repeating: "ü", count: 3000))
        let frame = try #require(LinkPair.frame(pair.farEvents))
        guard case .error(let notice) = frame.message else {
            Issue.record("\(frame)")
            return
        }
        #expect(notice.code == .refused)
        #expect(notice.message.hasPrefix("no way üü"))
        #expect(notice.message.utf8.count <= Limits.messageBytesMax)
        #expect(LinkPair.closing(pair.nearEvents)?.hasPrefix("no\nway") == true)
        pair.finish()
    }

    @Test func aFullMailboxDoesNotKeepTheLinkFromEnding() throws {
        let pair = try LinkPair(farCapacity: 2)
        for _ in 0..<100 { pair.near.send(bye) }
        #expect(LinkPair.frame(pair.farEvents) == bye)
        // The reader waits for room; its owner closes the mailbox before it joins it.
        pair.finish()
        #expect(pair.far.isFinished)
    }

    @Test func shippingWaitsWithoutLosingItsPlace() throws {
        let pair = try LinkPair()
        let digest = try #require(BlobDigest([UInt8](repeating: 1, count: 32)))
        let near = pair.near
        let shipper = try OSThread(name: "ship") {
            for number in 0..<40 {
                let chunk = BlobChunk(
                    digest: digest, offset: UInt64(number),
                    bytes: [UInt8](repeating: 0, count: 100_000))
                _ = near.ship(Frame(epoch: 1, id: 0, message: .blobChunk(chunk)))
            }
        }
        for number in 0..<40 {
            guard case .blobChunk(let chunk)? = LinkPair.frame(pair.farEvents)?.message else {
                Issue.record("chunk \(number) is missing")
                break
            }
            #expect(chunk.offset == UInt64(number))
        }
        shipper.join()
        pair.finish()
    }

    /// Small frames go out at once while the socket takes them, even in part; then all wait for the
    /// writer, which goes on where the socket stopped.
    @Test(arguments: [TestCluster.security, .plaintext])
    func whatThePeerDoesNotReadYetKeepsItsPlace(_ security: StreamSecurity) throws {
        let pair = try LinkPair(farCapacity: 2, security: security)
        let count = 600
        for number in 0..<count { #expect(pair.near.send(try chunk(number))) }
        // More than the sockets of both sides hold.
        #expect(pair.near.traffic.sentBytes < count * 60_000)
        for number in 0..<count {
            #expect(LinkPair.frame(pair.farEvents) == (try chunk(number)), "\(number)")
        }
        pair.near.closeAfterSending()
        #expect(LinkPair.closing(pair.farEvents) == "")
        #expect(pair.near.traffic.sentBytes == pair.far.traffic.receivedBytes)
        pair.finish()
    }

    @Test func eachThreadKeepsItsOrder() throws {
        let pair = try LinkPair()
        let near = pair.near
        let digest = try #require(BlobDigest([UInt8](repeating: 1, count: 32)))
        let threads = try (0..<4).map { thread in
            try OSThread(name: "send") {
                for number in 0..<200 {
                    // Now and then one that only the writer sends.
                    let size = number % 7 == 0 ? 100_000 : 10 + number
                    let chunk = BlobChunk(
                        digest: digest, offset: UInt64(number),
                        bytes: [UInt8](repeating: UInt8(thread), count: size))
                    near.send(Frame(epoch: 1, id: UInt64(thread), message: .blobChunk(chunk)))
                }
            }
        }
        var next = [UInt64](repeating: 0, count: threads.count)
        for _ in 0..<4 * 200 {
            let frame = try #require(LinkPair.frame(pair.farEvents))
            guard case .blobChunk(let chunk) = frame.message else {
                Issue.record("\(frame)")
                break
            }
            #expect(chunk.offset == next[Int(frame.id)])
            #expect(chunk.bytes.allSatisfy { $0 == UInt8(frame.id) })
            next[Int(frame.id)] += 1
        }
        for thread in threads { thread.join() }
        pair.finish()
    }

    /// Of 60,000 bytes, each different from its neighbours'.
    private func chunk(_ number: Int) throws -> Frame {
        let digest = try #require(BlobDigest([UInt8](repeating: 1, count: 32)))
        let bytes = (0..<60_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ number) }
        let chunk = BlobChunk(digest: digest, offset: UInt64(number), bytes: bytes)
        return Frame(epoch: 1, id: UInt64(number), message: .blobChunk(chunk))
    }

    /// After one write time-out, not two: nobody waits for a goodbye to get through as well.
    @Test func aPeerThatTakesNothingIsLostAfterTheWriteTimeout() throws {
        let listener = try Listener(
            SocketAddress(host: "127.0.0.1", port: 0), security: TestCluster.security)
        let bound = Duration.seconds(2)
        let stream = try ByteStream(
            connectingTo: listener.address, security: TestCluster.security,
            timeout: TestCluster.patience, writeTimeout: bound)
        let events = Mailbox<Link.Event>(capacity: 10)
        let link = try Link(stream: stream, isStranger: false) { events.post($1) }
        // Shakes hands, then reads nothing.
        let accepted = try #require(listener.accept(writeTimeout: TestCluster.patience))
        let peer = try WireClient(accepted)
        let digest = try #require(BlobDigest([UInt8](repeating: 1, count: 32)))
        let chunk = BlobChunk(
            digest: digest, offset: 0, bytes: [UInt8](repeating: 0, count: 1 << 20))
        let start = MonotonicClock.now()
        for _ in 0..<64 { link.send(Frame(epoch: 1, id: 0, message: .blobChunk(chunk))) }
        #expect(LinkPair.closing(events)?.contains("nothing happened for 2.0 s") == true)
        #expect(MonotonicClock.now() - start < bound * 2)
        link.finish()
        peer.close()
    }

    @Test func aStrangerMustSayHelloFirst() throws {
        let pair = try LinkPair(farIsStranger: true)
        pair.near.send(bye)
        let frame = try #require(LinkPair.frame(pair.nearEvents))
        guard case .error(let notice) = frame.message else {
            Issue.record("\(frame)")
            return
        }
        #expect(notice.code == .unexpectedFrame)
        #expect(LinkPair.closing(pair.farEvents)?.contains("first frame") == true)
        pair.finish()
    }
}
