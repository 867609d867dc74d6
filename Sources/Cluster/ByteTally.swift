// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Bytes that went over several links, those that have ended included.
package final class ByteTally: Sendable {
    private let received = Atomic<Int>(0)
    private let sent = Atomic<Int>(0)

    package init() {}

    package var receivedBytes: Int { received.load(ordering: .relaxed) }
    package var sentBytes: Int { sent.load(ordering: .relaxed) }

    func noteReceived(_ count: Int) { received.wrappingAdd(count, ordering: .relaxed) }

    func noteSent(_ count: Int) { sent.wrappingAdd(count, ordering: .relaxed) }
}
