// SPDX-License-Identifier: Apache-2.0

/// Sums up log-probabilities of the tokens that really came.
package struct PerplexityTally: Sendable {
    package private(set) var count = 0
    private var sum = 0.0
    private var sumOfSquares = 0.0

    package init() {}

    package mutating func add(_ logProbabilities: [Double]) {
        count += logProbabilities.count
        for value in logProbabilities {
            sum -= value
            sumOfSquares += value * value
        }
    }

    /// e to the mean negative log-probability; NaN of nothing.
    package var perplexity: Double {
        count == 0 ? .nan : Exponential.exp(sum / Double(count))
    }

    /// Of `perplexity`, the tokens taken as independent; 0 for fewer than two.
    package var standardError: Double {
        guard count > 1 else { return 0 }
        let mean = sum / Double(count)
        let variance = max(0, sumOfSquares / Double(count) - mean * mean)
        return perplexity * (variance / Double(count - 1)).squareRoot()
    }
}
