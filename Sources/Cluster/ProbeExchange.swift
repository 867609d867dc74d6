// SPDX-License-Identifier: Apache-2.0

import Platform
import Synchronization
import Wire

/// One link's part in measuring it: answers the peer's probes, and waits for answers to its own.
///
/// The link's reader asks it about every frame, so that no answer waits for what else the process
/// does.
final class ProbeExchange: Sendable {
    /// What becomes of a frame.
    enum Outcome {
        case answer(Frame)
        case taken
        case refused(String)
        /// It has to do with no probe.
        case other
    }

    private struct State {
        var receivedCount = 0
        var receivedBytes = 0
        /// The latest probe of this side; 0 before the first.
        var asked: UInt64 = 0
    }

    private let state = Mutex(State())
    private let answers = Mailbox<(id: UInt64, time: Duration)>(capacity: Limits.probesMax)

    func take(_ frame: Frame) -> Outcome {
        switch frame.message {
        case .probe(let probe):
            let isWithin = state.withLock { state in
                state.receivedCount += 1
                state.receivedBytes += probe.filler.count
                return state.receivedCount <= Limits.probesMax
                    && state.receivedBytes <= Limits.probedBytesMax
            }
            guard isWithin else { return .refused("more probes than a link may have") }
            let answer = ProbeAnswer(count: UInt32(probe.filler.count))
            return .answer(Frame(epoch: frame.epoch, id: frame.id, message: .probeAnswer(answer)))
        case .probeAnswer:
            guard frame.id <= state.withLock({ $0.asked }) else {
                return .refused("probe \(frame.id) was not sent")
            }
            answers.offer((frame.id, MonotonicClock.now()))
            return .taken
        case .hello, .welcome, .assignment, .blobRequest, .blobChunk, .ready, .heartbeat, .error,
            .bye, .dataHello, .step, .candidates, .drain, .preparation, .prepared, .spare,
            .released, .stranded:
            return .other
        }
    }

    /// Numbers the next probe; nil once a link has had as many as it may.
    func nextID() -> UInt64? {
        state.withLock { state in
            guard state.asked < UInt64(Limits.probesMax) else { return nil }
            state.asked += 1
            return state.asked
        }
    }

    /// When the answer to probe `id` came; nil if it does not come by `deadline`.
    func answer(to id: UInt64, by deadline: Duration) -> Duration? {
        while let answer = answers.take(timeout: max(.zero, deadline - MonotonicClock.now())) {
            if answer.id == id { return answer.time }
        }
        return nil
    }

    /// Nobody waits for an answer any more.
    func close() { answers.close() }
}
