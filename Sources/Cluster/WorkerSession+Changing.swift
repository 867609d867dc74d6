// SPDX-License-Identifier: Apache-2.0

import Platform
import Wire

/// A plan that changes while this worker serves, and the worker's leave.
extension WorkerSession {
    /// Starts to bring the blobs of a coming plan together; the present stage works on.
    func prepare(_ assignment: Assignment, epoch: UInt32) {
        // Of a stage that is over no more has to stay than this plan wants.
        if !isAtWork { kept?.keep(only: assignment) }
        preparedBlobs = []
        Log.info(
            "plan \(epoch) is being prepared: layers "
                + "\(assignment.layerStart)..<\(assignment.layerEnd)")
        do throws(ThreadError) {
            preparer = try BlobPreparer(
                after: preparer, assignment, epoch: epoch, cache: cache, model: model,
                ask: { [control] request, number in
                    control.send(Frame(epoch: epoch, id: number, message: .blobRequest(request)))
                },
                // Not kept waiting when the mailbox is full: then there is enough to wake for.
                wake: { [events] in events.offer(.prepared) })
            preparingSince = MonotonicClock.now()
        } catch {
            reportFailure("\(error)", toPrepare: epoch)
        }
    }

    private func reportFailure(_ reason: String, toPrepare epoch: UInt32) {
        preparingSince = nil
        Log.error("plan \(epoch) can't be prepared: \(reason)")
        let answer = Prepared(shippedBytes: 0, failure: reason)
        control.send(Frame(epoch: epoch, id: 0, message: .prepared(answer)))
    }

    /// Tells the coordinator how the preparation has ended, if it has.
    func reportPreparation() {
        guard let preparer, let outcome = preparer.takeOutcome() else { return }
        switch outcome {
        case .complete(let blobs, let shippedBytes):
            preparingSince = nil
            preparedBlobs = blobs
            Log.info("plan \(preparer.epoch) is prepared; \(shippedBytes) bytes were shipped")
            let answer = Prepared(shippedBytes: shippedBytes)
            control.send(Frame(epoch: preparer.epoch, id: 0, message: .prepared(answer)))
        case .failed(let reason): reportFailure(reason, toPrepare: preparer.epoch)
        }
    }

    /// Whether a preparation is under way. One that another worker had to give up is not said to
    /// be over: it only gets no more chunks.
    var isPreparing: Bool {
        preparingSince.map { MonotonicClock.now() - $0 < ClusterLimits.keptPatience } ?? false
    }

    /// Waits until nothing is written any more for a plan that was to come.
    func endPreparation() {
        preparer?.stop()
        preparer = nil
        preparingSince = nil
        preparedBlobs = []
    }

    /// The newest plan has no stage for this worker, or there is none any more.
    func rest(epoch: UInt32) {
        preparer?.abandon()
        preparingSince = nil
        preparedBlobs = []
        dropWork()
        for link in dataLinks.begin(epoch: epoch, stage: 0) { link.close(reason: "older plan") }
        Log.info("plan \(epoch) does without this worker")
    }

    // MARK: Leaving

    /// Asks to be released. Ends at once where nobody would answer, or no stage runs: what is only
    /// being loaded may take longer than the service's manager waits.
    func leave() -> End? {
        guard isWelcome, !configuration.endsWithCoordinator, leavingSince == nil else {
            return .stopped
        }
        leavingSince = MonotonicClock.now()
        guard case .running = work else { return .stopped }
        Log.info(
            "leaving once the layers here have moved, in \(ClusterLimits.leavePatience) at most; "
                + "another signal ends it at once")
        control.send(Frame(epoch: 0, id: 0, message: .drain))
        return nil
    }

    /// Ends the wait for others to take the layers when it has been long enough.
    func checkLeave() -> End? {
        guard let leavingSince,
            MonotonicClock.now() - leavingSince > ClusterLimits.leavePatience
        else { return nil }
        Log.warning(
            "nobody has taken the layers here for \(ClusterLimits.leavePatience): leaving anyway")
        return .stopped
    }
}
