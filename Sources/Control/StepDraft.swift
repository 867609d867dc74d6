// SPDX-License-Identifier: Apache-2.0

import Wire

/// The rows of a step that is being put together, within its bounds.
struct StepDraft {
    let id: UInt64
    private(set) var rows: [Row] = []
    private(set) var expectations: [StepInFlight.Expectation] = []
    private(set) var promptRowCount = 0
    private var allLogitsRowsLeft: Int
    private let rowCountMax: Int

    init(id: UInt64, rowCountMax: Int, allLogitsRowsMax: Int) {
        self.id = id
        self.rowCountMax = rowCountMax
        allLogitsRowsLeft = allLogitsRowsMax
    }

    var rowsLeft: Int { rowCountMax - rows.count }

    /// Takes at most `countMax` rows of `sequence`; returns how many.
    @discardableResult
    mutating func take(_ countMax: Int, of sequence: inout RunningSequence) -> Int {
        let pending = sequence.pendingCount
        var count = min(countMax, rowsLeft, pending)
        let wantsAll = sequence.durable.want == .allLogits
        // The row that wants them waits for a later step; those before it need not.
        if wantsAll, allLogitsRowsLeft == 0, count == pending { count -= 1 }
        guard count > 0 else { return 0 }
        if wantsAll, count == pending { allLogitsRowsLeft -= 1 }
        if !sequence.isDecoding { promptRowCount += count }
        let taken = sequence.takeRows(count, stepID: id)
        rows += taken
        for row in taken where row.want != .nothing {
            expectations.append(.init(admission: sequence.admission, row: row))
        }
        return count
    }
}
