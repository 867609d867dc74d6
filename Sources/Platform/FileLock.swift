// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A file that one process at a time holds; the kernel lets go of it when the process ends. To be
/// allowed to read it is enough, but for files on NFS, which can't be held so.
package struct FileLock: ~Copyable {
    private let descriptor: Int32
    private static let pollMilliseconds: Int32 = 10

    /// Waits for whoever holds it, at most for `timeout`; nil after that, or if it can't be opened
    /// or held.
    package init?(path: String, timeout: Duration) {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        let deadline = MonotonicClock.now() + timeout
        while flock(file, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR, MonotonicClock.now() < deadline else {
                close(file)
                return nil
            }
            poll(nil, 0, Self.pollMilliseconds)
        }
        descriptor = file
    }

    deinit { close(descriptor) }
}
