// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Counts the bytes of all request bodies that are kept: while they come, and until they are read.
///
/// The bound on one body allows gigabytes on all connections together.
final class BodyBudget: Sendable {
    private let byteCountMax: Int
    private let byteCount = Atomic<Int>(0)

    init(byteCountMax: Int) { self.byteCountMax = byteCountMax }

    var heldByteCount: Int { byteCount.load(ordering: .relaxed) }

    /// Counts `count` more; false, and nothing is counted, where these would be too many.
    func take(_ count: Int) -> Bool {
        let sum = byteCount.wrappingAdd(count, ordering: .relaxed).newValue
        if sum > byteCountMax { giveBack(count) }
        return sum <= byteCountMax
    }

    func giveBack(_ count: Int) { byteCount.wrappingSubtract(count, ordering: .relaxed) }
}
