// SPDX-License-Identifier: Apache-2.0

package import Wire

/// What the shell is to do, in order.
package enum SchedulerDirective: Sendable, Equatable {
    /// Send `Step` to the first stage under this number.
    case forward(stepID: UInt64, Step)
    /// The last chunk of the sequence's prompt has come back. Said once, whatever happens later,
    /// and not of a sequence whose first token is drawn from another's row.
    case prefilled(id: UInt64)
    /// The sequence's next token; `alternatives` are as many as were asked for.
    case token(
        id: UInt64, token: UInt32, logProbability: Float, alternatives: [TokenLogProbability])
    /// The sequence has ended; an end-of-generation token is neither delivered nor counted.
    case finished(id: UInt64, FinishReason, promptTokenCount: Int, generatedTokenCount: Int)
    /// The sequence was cut short because the pipeline went down and did not come back for it.
    case failed(id: UInt64, SequenceFailure)
}
