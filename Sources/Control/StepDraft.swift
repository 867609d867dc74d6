// SPDX-License-Identifier: Apache-2.0

import Wire

/// Which sequences get how many rows of a step that is being put together, within its bounds.
struct StepDraft {
    /// `count` rows of the sequence at `index`.
    struct Share {
        let index: Int
        var count: Int
    }

    let id: UInt64
    /// In the order of the step's rows.
    private(set) var shares: [Share] = []
    private(set) var rowsLeft: Int
    private var allLogitsRowsLeft: Int

    init(id: UInt64, rowCountMax: Int, allLogitsRowsMax: Int) {
        self.id = id
        rowsLeft = rowCountMax
        allLogitsRowsLeft = allLogitsRowsMax
    }

    /// Plans at most `countMax` further rows of `sequence`; returns how many.
    mutating func plan(_ countMax: Int, of sequence: RunningSequence, at index: Int) -> Int {
        let earlier = shares.firstIndex { $0.index == index }
        let pending = sequence.pendingCount - (earlier.map { shares[$0].count } ?? 0)
        var count = min(countMax, rowsLeft, pending)
        let wantsAll = sequence.durable.want == .allLogits
        // The row that wants them waits for a later step; those before it need not.
        if wantsAll, allLogitsRowsLeft == 0, count == pending { count -= 1 }
        guard count > 0 else { return 0 }
        if wantsAll, count == pending { allLogitsRowsLeft -= 1 }
        rowsLeft -= count
        if let earlier {
            shares[earlier].count += count
        } else {
            shares.append(Share(index: index, count: count))
        }
        return count
    }

    /// Lets each share have as many rows as `granted` says, asked in order of index.
    mutating func limit(_ granted: (Share) -> Int) {
        for place in shares.indices.sorted(by: { shares[$0].index < shares[$1].index }) {
            shares[place].count = granted(shares[place])
        }
        shares.removeAll { $0.count == 0 }
    }
}
