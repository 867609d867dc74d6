// SPDX-License-Identifier: Apache-2.0

/// A sequence to be continued.
package struct SequenceRequest: Sendable, Equatable {
    /// The caller's name for it; never used twice.
    package var id: UInt64
    package var prompt: [UInt32]
    package var sampling: SamplingSettings
    /// Most tokens to generate, fewer where context or pages end before; nil for as many as they
    /// hold.
    package var tokenCountMax: Int?
    /// Goes on past end-of-generation tokens.
    package var ignoresEnd: Bool
    /// Alternatives to report with each token.
    package var topLogProbabilities: Int

    /// Asks for nothing.
    var isDone: Bool { tokenCountMax.map { $0 <= 0 } ?? false }

    package init(
        id: UInt64, prompt: [UInt32], sampling: SamplingSettings = SamplingSettings(),
        tokenCountMax: Int? = nil, ignoresEnd: Bool = false, topLogProbabilities: Int = 0
    ) {
        self.id = id
        self.prompt = prompt
        self.sampling = sampling
        self.tokenCountMax = tokenCountMax
        self.ignoresEnd = ignoresEnd
        self.topLogProbabilities = topLogProbabilities
    }
}
