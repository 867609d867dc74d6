// SPDX-License-Identifier: Apache-2.0

import Cluster
import Platform
import Testing
import Wire

struct BlobShipperTests {
    /// A disk that fails.
    private struct Unreadable: ByteSource {
        let byteCount = 8

        func read(offset: Int, count: Int) throws(FileError) -> [UInt8] {
            throw .changed(path: "/m.gguf")
        }
    }

    private struct Readable: ByteSource {
        let byteCount = 8

        func read(offset: Int, count: Int) throws(FileError) -> [UInt8] {
            (offset..<offset + count).map(UInt8.init)
        }
    }

    /// A network file system that hangs until `gate` is closed.
    private struct Hanging: ByteSource {
        let byteCount = 8
        let isRead = Mailbox<Void>(capacity: 1)
        let gate = Mailbox<Void>(capacity: 1)

        func read(offset: Int, count: Int) throws(FileError) -> [UInt8] {
            isRead.offer(())
            _ = gate.take()
            throw .cannotRead(path: "/m.gguf", errno: 5)
        }
    }

    private func request(_ byte: UInt8) throws -> BlobRequest {
        BlobRequest(digest: try digest(byte), offset: 0, count: 8)
    }

    private func digest(_ byte: UInt8) throws -> BlobDigest {
        try #require(BlobDigest([UInt8](repeating: byte, count: 32)))
    }

    /// The coordinator's deciding thread calls it, and all streams wait for that.
    @Test func itsEndDoesNotWaitForAFileThatHangs() throws {
        let pair = try LinkPair()
        let file = Hanging()
        let shipper = try BlobShipper(link: pair.near, find: { _ in file }, onFailure: { _, _ in })
        #expect(shipper.ask(try request(1), epoch: 1, id: 1))
        #expect(file.isRead.take(timeout: TestCluster.patience) != nil)
        pair.near.close(reason: "it is gone")
        let isStopped = Mailbox<Void>(capacity: 1)
        let stopper = try OSThread(name: "stop") {
            shipper.stop()
            isStopped.offer(())
        }
        #expect(isStopped.take(timeout: TestCluster.patience) != nil)
        file.gate.close()
        stopper.join()
        pair.finish()
    }

    /// The worker may serve a plan that needs nothing of it.
    @Test func whatCannotBeReadIsReportedAndDoesNotEndTheLink() throws {
        let pair = try LinkPair()
        let failures = Mailbox<(UInt32, String)>(capacity: 8)
        let bad = try digest(1)
        let shipper = try BlobShipper(
            link: pair.near, find: { $0 == bad ? Unreadable() : Readable() as any ByteSource },
            onFailure: { failures.offer(($0, $1)) })
        // Once for all that a plan lacks.
        for (id, epoch) in ([2, 2, 3] as [UInt32]).enumerated() {
            #expect(shipper.ask(try request(1), epoch: epoch, id: UInt64(id)))
        }
        #expect(shipper.ask(try request(2), epoch: 4, id: 9))
        let frame = LinkPair.frame(pair.farEvents)
        #expect(frame?.epoch == 4 && frame?.id == 9)
        let reports = (0..<3).map { _ in failures.take(timeout: .zero) }
        #expect(reports.map { $0?.0 } == [2, 3, nil])
        #expect(reports[0]?.1.contains("/m.gguf has changed") == true)
        pair.near.close(reason: "done")
        shipper.stop()
        pair.finish()
    }
}
