// SPDX-License-Identifier: Apache-2.0

import Model
import Platform
import Synchronization
import Wire

/// Sends one worker the blobs it asks for, from a thread of its own.
///
/// A chunk is read from the model file when the link has room for it: what is in memory for one
/// worker is `ClusterLimits.shippingBytesMax` and the socket's buffer, whatever the blobs' sizes.
final class BlobShipper: Sendable {
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
                guard Self.carryOut(order, on: link, from: catalog, sent) else { return }
            }
        }
    }

    /// False when the link has ended, perhaps because the request can't be met.
    private static func carryOut(
        _ order: Order, on link: Link, from catalog: BlobCatalog, _ sent: ShippedBytes
    ) -> Bool {
        let request = order.request
        guard let blob = catalog.blob(request.digest), request.offset < UInt64(blob.byteCount)
        else {
            link.refuse(
                .blobUnavailable,
                "no blob \(request.digest.hexadecimal) from \(request.offset) on")
            return false
        }
        let first = Int(request.offset)
        let end = first + Int(min(request.count, UInt64(blob.byteCount - first)))
        do throws(FileError) {
            for start in stride(from: first, to: end, by: ClusterLimits.shippingChunkBytes) {
                let count = min(ClusterLimits.shippingChunkBytes, end - start)
                let chunk = BlobChunk(
                    digest: request.digest, offset: UInt64(start),
                    bytes: try blob.read(offset: start, count: count))
                let frame = Frame(epoch: order.epoch, id: order.id, message: .blobChunk(chunk))
                guard link.ship(frame) else { return false }
                sent.add(count)
            }
        } catch {
            refuse(link, error)
            return false
        }
        return true
    }

    private static func refuse(_ link: Link, _ error: FileError) {
        let reason =
            if case .changed(let path) = error {
                "the model file \(path) has changed since the coordinator opened it; "
                    + "restart the coordinator"
            } else {
                "the model file can't be shipped: \(error)"
            }
        Log.error(reason)
        link.refuse(.blobUnavailable, reason)
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
