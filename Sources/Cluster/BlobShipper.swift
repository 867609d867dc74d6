// SPDX-License-Identifier: Apache-2.0

import Model
import Platform
import Synchronization
import Wire

/// Sends one worker the blobs it asks for, from a thread of its own; memory stays bounded by the
/// link's limit on chunks under way.
final class BlobShipper: Sendable {
    /// Small, so that many workers can be shipped to at once from little memory.
    static let chunkBytes = 256 << 10

    private let requests = Mailbox<Order>(capacity: Limits.blobsMax)
    private let thread: OSThread

    /// A request as its frame brought it; the chunks carry the same epoch and id.
    private struct Order {
        let request: BlobRequest
        let epoch: UInt32
        let id: UInt64
    }
    private let sent = ShippedBytes()

    init(link: Link, catalog: BlobCatalog) {
        thread = OSThread(name: "ship") { [requests, sent] in
            while let order = requests.take() {
                let request = order.request
                guard let blob = catalog.blob(request.digest),
                    request.offset < UInt64(blob.byteCount)
                else {
                    link.refuse(
                        .blobUnavailable,
                        "no blob \(request.digest.hexadecimal) from \(request.offset) on")
                    return
                }
                for start in stride(
                    from: Int(request.offset), to: blob.byteCount, by: Self.chunkBytes)
                {
                    let count = min(Self.chunkBytes, blob.byteCount - start)
                    let chunk = BlobChunk(
                        digest: request.digest, offset: UInt64(start),
                        bytes: blob.copyBytes(offset: start, count: count))
                    let frame = Frame(
                        epoch: order.epoch, id: order.id, message: .blobChunk(chunk))
                    guard link.ship(frame) else { return }
                    sent.add(count)
                }
            }
        }
    }

    var sentBytes: Int { sent.count }

    /// False when a peer asks for more than a plan can have.
    func ask(_ request: BlobRequest, epoch: UInt32, id: UInt64) -> Bool {
        requests.offer(Order(request: request, epoch: epoch, id: id))
    }

    /// Ends the thread; the link has been closed before, so nothing waits on it.
    func stop() {
        requests.close()
        thread.join()
    }
}

/// A running sum that one thread writes and another reads.
private final class ShippedBytes: Sendable {
    private let sum = Mutex(0)

    var count: Int { sum.withLock { $0 } }

    func add(_ bytes: Int) { sum.withLock { $0 += bytes } }
}
