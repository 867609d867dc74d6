// SPDX-License-Identifier: Apache-2.0

/// The sizes a scheduler keeps to.
package struct SchedulerLimits: Sendable, Equatable {
    /// Sequences that run at once.
    package var slotCount: Int
    /// Positions of one sequence, prompt and generated tokens together.
    package var contextLength: Int
    /// Rows of one step.
    package var rowCountMax: Int
    /// Sequences that wait beyond those that find a slot.
    package var queueCountMax: Int
    package var vocabularyCount: Int
    /// Tokens that end a sequence.
    package var endOfGeneration: Set<UInt32>
    /// Steps that are in the pipeline at once.
    package var stepsInFlightMax = 64
    /// Prompt rows of a step that has decode rows too; nil for as many as its time allows.
    package var promptRowsBesideDecode: Int?
    /// Rows of all of them together, which bounds the activations that wait anywhere.
    package var rowsInFlightMax = 8192
    /// Rows of one step that want every logit, fewer than the protocol allows: to draw from them
    /// takes a millisecond or two each, and nobody's next step is formed meanwhile.
    package var allLogitsRowsMax = 8
    /// Tokens of one sequence that a step may guess; 0 for none.
    package var guessCountMax = 0
    /// Pages of each stage's KV cache, and positions of a page.
    package var pageCount: Int
    package var pagePositionCount = 64
    /// Ended sequences whose pages are kept, in slots beyond `slotCount`, for those that begin
    /// alike. The search through them (`PrefixIndex`) does not depend on their number.
    package var keptCountMax = 0
    /// How long sequences wait for a pipeline that went down, but for what its loading takes.
    package var recoveryLimit = Duration.seconds(120)
    /// Pipelines that may go down under a sequence without a token in between: one that every
    /// pipeline dies of is given up.
    package var lossCountMax = 8

    /// Prompt rows that go beside decode rows however long they take: prompts never stand still.
    /// Far into a long prompt one row may take as long as reading all weights: hence so few.
    package static let promptRowsMin = 2

    /// The most positions a sequence can ever have: alone it may take every page. An answer ends
    /// there, however many tokens are asked for.
    package var lengthMax: Int { min(contextLength, pageCount * pagePositionCount) }

    /// Pages are as many as all slots can use, unless set.
    package init(
        slotCount: Int, contextLength: Int, rowCountMax: Int, queueCountMax: Int,
        vocabularyCount: Int, endOfGeneration: Set<UInt32>
    ) {
        precondition(slotCount > 0 && contextLength > 0 && queueCountMax >= 0)
        precondition(rowCountMax > 0 && vocabularyCount > 0)
        self.slotCount = slotCount
        self.contextLength = contextLength
        self.rowCountMax = rowCountMax
        self.queueCountMax = queueCountMax
        self.vocabularyCount = vocabularyCount
        pageCount = slotCount * ((contextLength + pagePositionCount - 1) / pagePositionCount)
        self.endOfGeneration = endOfGeneration
    }
}
