// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// Takes a staged file away while its writer, on another thread, may be stuck in a write.
///
/// The writer goes on without noticing until it commits, which then fails.
package final class StagedFileRemoval: Sendable {
    private let state = Mutex<(path: String?, isAsked: Bool)>((nil, false))

    package init() {}

    /// Removes the file, or lets it go as soon as there is one. A file that has its real name
    /// stays: it is no longer under the temporary one.
    package func remove() {
        let path = state.withLock { state in
            state.isAsked = true
            return state.path
        }
        if let path { unlink(path) }
    }

    /// Tells of the file, which is there.
    func cover(_ path: String) {
        let isAsked = state.withLock { state in
            state.path = path
            return state.isAsked
        }
        if isAsked { unlink(path) }
    }
}
