// SPDX-License-Identifier: Apache-2.0

import Control
import Testing

struct PerplexityTallyTests {
    @Test func evenOddsAreTheNumberOfChoices() {
        var tally = PerplexityTally()
        tally.add(Array(repeating: Exponential.log(1.0 / 8), count: 3))
        tally.add(Array(repeating: Exponential.log(1.0 / 8), count: 4))
        #expect(tally.count == 7)
        #expect(abs(tally.perplexity - 8) < 1e-12 && tally.standardError < 1e-6)
    }

    /// Means 2, variance 1, three tokens: e² and e² · √(2/3 / 2) by hand.
    @Test func theMeanAndItsError() {
        var tally = PerplexityTally()
        tally.add([-1, -2, -3])
        #expect(abs(tally.perplexity - 7.389_056_098_930_65) < 1e-12)
        #expect(abs(tally.standardError - 4.266_073_526_9) < 1e-6)
    }

    @Test func nothingScored() {
        #expect(PerplexityTally().perplexity.isNaN && PerplexityTally().standardError == 0)
    }
}
