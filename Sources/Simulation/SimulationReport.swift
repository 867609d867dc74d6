// SPDX-License-Identifier: Apache-2.0

/// What a simulation showed.
package struct SimulationReport: Sendable {
    /// Requests that did not get all their tokens: none, unless something is broken.
    package let unansweredCount: Int
    /// While as many streams as there may be generate.
    package let tokensPerSecond: Double
    /// The most that the slowest stage allows (`Scenario.bound`).
    package let bound: Double
    package let rowsPerStep: Double
    /// Of all the time, what the slowest stage computed.
    package let busyShare: Double
    package let firstTokenMilliseconds: Percentiles
    /// Between the tokens of a stream.
    package let gapMilliseconds: Percentiles

    package var share: Double { tokensPerSecond / bound }
}

/// The middle of some numbers, and what one in a hundred exceeds; 0 without any.
package struct Percentiles: Sendable {
    package let median: Double
    package let p99: Double

    init(_ values: [Double]) {
        let sorted = values.sorted()
        func at(_ share: Double) -> Double {
            sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
        }
        median = at(0.5)
        p99 = at(0.99)
    }
}
