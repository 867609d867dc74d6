// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Waits for many connections at once, and for new ones.
package enum StreamWatch {
    package struct Entry {
        let stream: ByteStream
        let wantsOutput: Bool

        package init(stream: ByteStream, wantsOutput: Bool) {
            self.stream = stream
            self.wantsOutput = wantsOutput
        }
    }

    /// Waits until one of `entries` can go on, or `listener` has a connection or was stopped, at
    /// most `timeout`; the places of those that can go on.
    package static func wait(
        for entries: [Entry], or listener: Listener, timeout: Duration?
    ) -> (hasConnection: Bool, ready: Set<Int>) {
        var polled = [pollfd(fd: listener.descriptor, events: Int16(POLLIN), revents: 0)]
        polled += entries.map {
            pollfd(
                fd: $0.stream.descriptor, events: Int16($0.wantsOutput ? POLLOUT : POLLIN),
                revents: 0)
        }
        let milliseconds = timeout.map { Int32(clamping: max(0, $0.microseconds / 1000 + 1)) }
        guard poll(&polled, nfds_t(polled.count), milliseconds ?? -1) > 0 else {
            return (false, [])
        }
        let ready = entries.indices.filter { polled[$0 + 1].revents != 0 }
        return (polled[0].revents != 0, Set(ready))
    }
}
