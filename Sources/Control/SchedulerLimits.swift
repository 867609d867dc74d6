// SPDX-License-Identifier: Apache-2.0

/// The sizes a scheduler keeps to.
package struct SchedulerLimits: Sendable, Equatable {
    /// Sequences that run at once.
    package var slotCount: Int
    /// Positions of one sequence, prompt and generated tokens together.
    package var contextLength: Int
    /// Rows of one step; at least `slotCount`, so that every running sequence gets its row.
    package var rowCountMax: Int
    /// Sequences that wait although no slot is free.
    package var queueCountMax: Int
    package var vocabularyCount: Int
    /// Tokens that end a sequence.
    package var endOfGeneration: Set<UInt32>

    package init(
        slotCount: Int, contextLength: Int, rowCountMax: Int, queueCountMax: Int,
        vocabularyCount: Int, endOfGeneration: Set<UInt32>
    ) {
        precondition(slotCount > 0 && contextLength > 0 && queueCountMax >= 0)
        precondition(rowCountMax >= slotCount, "a step must have room for every running sequence")
        precondition(vocabularyCount > 0)
        self.slotCount = slotCount
        self.contextLength = contextLength
        self.rowCountMax = rowCountMax
        self.queueCountMax = queueCountMax
        self.vocabularyCount = vocabularyCount
        self.endOfGeneration = endOfGeneration
    }
}
