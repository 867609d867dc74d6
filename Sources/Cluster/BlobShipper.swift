// SPDX-License-Identifier: Apache-2.0

package import Platform
import Synchronization
package import Wire

/// Sends one worker the blobs it asks for, from a thread of its own.
///
/// A chunk is read from the model file when the link has room for it: what is in memory for one
/// worker is `ClusterLimits.shippingBytesMax` and the socket's buffer, whatever the blobs' sizes.
package final class BlobShipper: Sendable {
    private let requests = Mailbox<Order>(capacity: Limits.blobsMax)
    private let thread: OSThread

    /// A request as its frame brought it; the chunks carry the same epoch and id.
    private struct Order {
        let request: BlobRequest
        let epoch: UInt32
        let id: UInt64
    }

    private enum Outcome {
        case sent
        /// The link has ended, perhaps because there is no such blob.
        case ended
        /// The blob can't be read.
        case failed(String)
    }
    private let tally = ByteTally()

    /// `onFailure` hears once of each plan whose blobs can't be read, and why. What becomes of the
    /// plan is for others to decide: the worker may well serve without it.
    package init(
        link: Link, find: @escaping @Sendable (BlobDigest) -> (any ByteSource)?,
        onFailure: @escaping @Sendable (_ epoch: UInt32, _ reason: String) -> Void
    ) throws(ThreadError) {
        thread = try OSThread(name: "ship") { [requests, tally] in
            var failedEpoch: UInt32?
            while let order = requests.take() {
                guard order.epoch != failedEpoch else { continue }
                switch Self.carryOut(order, on: link, find, tally) {
                case .sent: break
                case .ended: return
                case .failed(let reason):
                    failedEpoch = order.epoch
                    onFailure(order.epoch, reason)
                }
            }
        }
    }

    private static func carryOut(
        _ order: Order, on link: Link, _ find: (BlobDigest) -> (any ByteSource)?,
        _ tally: ByteTally
    ) -> Outcome {
        let request = order.request
        guard let blob = find(request.digest), request.offset < UInt64(blob.byteCount)
        else {
            link.refuse(
                .blobUnavailable,
                "no blob \(request.digest.hexadecimal) from \(request.offset) on")
            return .ended
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
                guard link.ship(frame) else { return .ended }
                tally.noteSent(count)
            }
        } catch {
            return .failed(Self.reason(error))
        }
        return .sent
    }

    private static func reason(_ error: FileError) -> String {
        guard case .changed(let path) = error else {
            return "the model file can't be shipped: \(error)"
        }
        return "the model file \(path) has changed since the coordinator opened it; "
            + "restart the coordinator"
    }

    var sentBytes: Int { tally.sentBytes }

    /// False when a peer asks for more than a plan can have.
    package func ask(_ request: BlobRequest, epoch: UInt32, id: UInt64) -> Bool {
        requests.offer(Order(request: request, epoch: epoch, id: id))
    }

    /// Lets the thread end by itself: whoever calls has steps to send, and a network file system
    /// may keep it for long. The link has been closed before, so nothing more is sent.
    package func stop() {
        requests.close()
        thread.letGo()
    }
}
