// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Notices that the other end of a connection is gone, without reading from it.
package enum PeerWatch {
    /// Waits until the peer of one of `descriptors` has closed or reset its connection, at most
    /// `waitMilliseconds`; returns the indices of those that have.
    ///
    /// A peer that only shut down its sending side counts as gone: over HTTP the two cannot be told
    /// apart. Without descriptors the call is a pause.
    package static func departed(_ descriptors: [Int32], waitMilliseconds: Int32) -> [Int] {
        // Linux's POLLRDHUP; unlike `recv(MSG_PEEK) == 0` it is seen behind unread bytes as well.
        let hangUp: Int16 = 0x2000
        var entries = descriptors.map { pollfd(fd: $0, events: hangUp, revents: 0) }
        let count = poll(&entries, nfds_t(entries.count), waitMilliseconds)
        guard count > 0 else { return [] }
        let gone = hangUp | Int16(POLLHUP) | Int16(POLLERR)
        return entries.indices.filter { entries[$0].revents & gone != 0 }
    }

    /// Ends both directions of the connection `descriptor`, whatever still waits to be sent.
    package static func hangUp(_ descriptor: Int32) { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }
}
