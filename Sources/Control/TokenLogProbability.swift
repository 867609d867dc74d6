// SPDX-License-Identifier: Apache-2.0

/// A token and how likely the model itself held it: temperature 1, no penalties.
package struct TokenLogProbability: Sendable, Equatable {
    package var id: UInt32
    /// Natural logarithm; never below `floor`.
    package var logProbability: Float

    /// Stands for "impossible", as in OpenAI's API: JSON has no infinities.
    package static let floor: Float = -9999

    package init(id: UInt32, logProbability: Float) {
        self.id = id
        self.logProbability = logProbability
    }

    init(id: UInt32, logit: Float, logSumExp: Float) {
        let value = min(logit - logSumExp, 0)
        self.init(id: id, logProbability: value.isNaN ? Self.floor : max(value, Self.floor))
    }
}
