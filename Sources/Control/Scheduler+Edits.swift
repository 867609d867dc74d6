// SPDX-License-Identifier: Apache-2.0

import Wire

/// Edits that wait for the next rows.
extension Scheduler {
    /// Edits that may wait while a step is on its way. Nobody is admitted beyond that, so what the
    /// running sequences add by their ends still fits a step.
    static let editCountMax = Limits.editsMax / 2

    /// Adds the release of a slot. What waits to be done to the slot since it was last empty need
    /// not be done at all, but for what another slot begins with: else slots that change hands
    /// while no step can go, as clients come and leave, would fill a step with edits.
    mutating func addRelease(of slot: UInt32) {
        let source = edits.lastIndex {
            if case .fork(_, slot, _) = $0 { true } else { false }
        }
        let unread = edits.indices.dropFirst(source.map { $0 + 1 } ?? 0)
        let beginning = unread.first { index in
            switch edits[index] {
            case .release(let other), .fork(let other, _, _): other == slot
            case .truncate: false
            }
        }
        guard let beginning else { return edits.append(.release(slot: slot)) }
        // A release stays where it is: the pages may be spoken for by what follows it.
        let isReleased = edits[beginning] == .release(slot: slot)
        edits[(isReleased ? beginning + 1 : beginning)...].removeAll { $0.slot == slot }
        if !isReleased { edits.append(.release(slot: slot)) }
    }
}

extension KVEdit {
    /// The one that it changes.
    fileprivate var slot: UInt32 {
        switch self {
        case .release(let slot), .truncate(let slot, _), .fork(let slot, _, _): slot
        }
    }
}
