// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Wire

/// Whether the stage that is being loaded or at work is still wanted, as far as has been heard.
///
/// Loading and steps take minutes, in which the worker's own thread takes no events; what makes
/// them pointless is noted here by whoever puts the event into its mailbox.
package final class LoadWatch: Sendable {
    private struct State {
        /// Of the newest plan that the coordinator has told.
        var newestEpoch: UInt32 = 0
        /// Whether the membership of a cluster ends.
        var isOver = false
        var isStopped = false
        var isLeaving = false
    }

    private let state = Mutex(State())

    package init() {}

    /// A coordinator is joined: epochs begin anew.
    package func begin() {
        state.withLock {
            $0.newestEpoch = 0
            $0.isOver = false
        }
    }

    /// Something has come over the control link.
    package func note(_ event: Link.Event) {
        state.withLock { state in
            guard case .frame(let frame) = event else {
                state.isOver = true
                return
            }
            switch frame.message {
            case .assignment, .spare: state.newestEpoch = max(state.newestEpoch, frame.epoch)
            case .released, .bye, .error: state.isOver = true
            default: break
            }
        }
    }

    /// The worker is to end, for good.
    package func stop() { state.withLock { $0.isStopped = true } }

    /// The worker is to end once its layers have moved.
    package func leave() { state.withLock { $0.isLeaving = true } }

    /// Whether it was told to. Steps are run as before; what is being loaded serves nobody yet.
    package var isLeaving: Bool { state.withLock { $0.isLeaving } }

    /// Whether the stage of plan `epoch` is of no use any more.
    package func isPointless(epoch: UInt32) -> Bool {
        state.withLock { $0.isStopped || $0.isOver || $0.newestEpoch > epoch }
    }
}
