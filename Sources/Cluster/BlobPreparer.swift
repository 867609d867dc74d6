// SPDX-License-Identifier: Apache-2.0

import Platform
import Synchronization
import Wire

/// Brings the blobs of a coming plan to this worker's disk, on a thread of its own: the steps of
/// the present plan wait neither for the disk nor for hashes.
final class BlobPreparer: Sendable {
    enum Outcome: Sendable {
        /// Every blob is at hand, and marked as used for as long as these live.
        case complete([HeldBlob], shippedBytes: UInt64)
        case failed(String)
    }

    /// Of the plan to come.
    let epoch: UInt32
    private let inbox = Inbox()
    private let outcome = Mailbox<Outcome>(capacity: 1)
    private let thread: OSThread

    /// Asks for what is missing by `ask`, with the request's number from 1 on; `wake` is called
    /// when there is an outcome.
    ///
    /// `earlier`, of a plan that this one overtakes, is told to end at once and joined by this
    /// one's thread: the caller has steps to run, and the other may be in the middle of hashing.
    /// Where there is no thread for this one, the other is still the caller's.
    init(
        after earlier: BlobPreparer?, _ assignment: Assignment, epoch: UInt32, cache: BlobCache,
        model: LocalModel?,
        ask: @escaping @Sendable (BlobRequest, _ number: UInt64) -> Void,
        wake: @escaping @Sendable () -> Void
    ) throws(ThreadError) {
        self.epoch = epoch
        earlier?.abandon()
        thread = try OSThread(name: "prepare") { [inbox, outcome] in
            earlier?.stop()
            // What is in a file that was written to will have to be shipped: better now than when
            // the plan has no pipeline.
            let fetch = BlobFetch(
                assignment: assignment, cache: cache,
                model: model?.hasChanged == true ? nil : model,
                pieceByteCount: ClusterLimits.preparingPieceBytes,
                windowByteCount: ClusterLimits.preparingWindowBytes)
            guard let result = Self.bring(fetch, inbox, ask) else { return }
            outcome.offer(result)
            wake()
        }
    }

    /// nil when told to stop.
    private static func bring(
        _ fetch: BlobFetch, _ inbox: Inbox, _ ask: (BlobRequest, _ number: UInt64) -> Void
    ) -> Outcome? {
        do {
            var number: UInt64 = 0
            var progress = try fetch.start()
            while case .asking(let requests) = progress {
                for request in requests {
                    inbox.expect(request.count)
                    number += 1
                    ask(request, number)
                }
                guard let chunk = inbox.take() else { return nil }
                progress = try fetch.take(chunk)
            }
            return .complete(Array(fetch.held.values), shippedBytes: fetch.shippedBytes)
        } catch {
            return .failed("\(error)")
        }
    }

    /// Takes a chunk that came for `epoch`. False when nobody asked for as much.
    func take(_ chunk: BlobChunk) -> Bool { inbox.put(chunk) }

    /// What has become of it, once.
    func takeOutcome() -> Outcome? { inbox.isClosed ? nil : outcome.take(timeout: .zero) }

    /// Lets the thread end, and what it brings be for nothing.
    func abandon() { inbox.close() }

    /// Ends and joins the thread. Call exactly once, unless another comes after this one.
    func stop() {
        abandon()
        thread.join()
    }
}

/// Chunks on their way to the thread, which hold no more bytes than were asked for.
private final class Inbox: Sendable {
    private let chunks = Mailbox<BlobChunk>(capacity: ClusterLimits.preparingChunksMax)
    private let expectedByteCount = Mutex<UInt64>(0)

    func expect(_ byteCount: UInt64) { expectedByteCount.withLock { $0 += byteCount } }

    func put(_ chunk: BlobChunk) -> Bool {
        let count = UInt64(chunk.bytes.count)
        let isExpected = expectedByteCount.withLock { expected in
            guard count <= expected else { return false }
            expected -= count
            return true
        }
        return isExpected && (chunks.offer(chunk) || chunks.isClosed)
    }

    func take() -> BlobChunk? { chunks.take() }

    var isClosed: Bool { chunks.isClosed }

    func close() { chunks.close() }
}
