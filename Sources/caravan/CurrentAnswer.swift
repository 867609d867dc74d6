// SPDX-License-Identifier: Apache-2.0

import Platform
import Synchronization

/// The answer that comes just now, for Ctrl-C to stop.
final class CurrentAnswer: Sendable {
    private struct State {
        var isAwaited = false
        var connection: ByteStream?
        var isStopped = false
    }

    private let state = Mutex(State())

    /// Whether `stop` ended the answer that came last.
    var isStopped: Bool { state.withLock { $0.isStopped } }

    func begin() { state.withLock { $0 = State(isAwaited: true) } }

    /// The answer is to come over `connection`.
    func connect(_ connection: ByteStream) {
        state.withLock { state in
            state.connection = connection
            if state.isStopped { connection.shutDown() }
        }
    }

    func end() {
        state.withLock { state in
            state.connection?.shutDown()
            (state.isAwaited, state.connection) = (false, nil)
        }
    }

    /// Closes the connection, by which the coordinator notices that nobody waits any more. False
    /// where no answer comes.
    func stop() -> Bool {
        state.withLock { state in
            guard state.isAwaited else { return false }
            state.isStopped = true
            state.connection?.shutDown()
            return true
        }
    }
}
