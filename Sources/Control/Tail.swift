// SPDX-License-Identifier: Apache-2.0

import Wire

/// What is known of the tokens outside the candidates: how many, and their mass within bounds.
struct Tail {
    let count: Int
    /// How many of them may have been lowered by a penalty.
    let penalisedCount: Int
    private let candidates: [Candidate]
    private let logSumExp: Double

    /// The relative error allowed to `exp(logSumExp)`: its own rounding to a float, and that of a
    /// stage's sum of 10⁵ terms in several lanes.
    private let massTolerance: Double

    init(_ candidates: [Candidate], logSumExp: Float, count: Int, penalisedCount: Int) {
        self.candidates = candidates
        self.logSumExp = Double(logSumExp)
        massTolerance = 0x1p-16 + 2 * Double(logSumExp.ulp)
        self.count = count
        self.penalisedCount = min(penalisedCount, count)
    }

    /// Bounds of the sum of the tail's weights.
    ///
    /// At temperature 1 the mass R is what the candidates leave of the logsumexp, and no weight
    /// exceeds a, the last candidate's. At another temperature each weight w turns into w^s,
    /// s = 1/T. For s ≥ 1 the sum is at most R·a^(s−1) and, by the inequality of power means, at
    /// least n^(1−s)·R^s; for s < 1 the two change places. Lowered tokens count nothing below.
    func mass(_ weight: Weight) -> (low: Double, high: Double) {
        guard count > 0, let last = candidates.last else { return (0, 0) }
        let plain = Weight(reference: weight.reference, temperature: 1)
        let largest = plain(of: last.logit.orderedLogit)
        let whole = plain(of: logSumExp)
        let top = candidates.reduce(0) { $0 + plain(of: $1.logit.orderedLogit) }
        let most = Double(count) * weight(of: last.logit.orderedLogit)
        guard whole.isFinite, top.isFinite, most.isFinite else { return (0, .infinity) }
        let massHigh = max(0, whole * (1 + massTolerance) - top)
        let massLow = max(
            0, whole * (1 - massTolerance) - top - Double(penalisedCount) * largest)
        let power = 1 / weight.temperature
        let high = Self.bounds(massHigh, largest: largest, count: count, power: power).high
        let unpenalised = count - penalisedCount
        let low = Self.bounds(massLow, largest: largest, count: unpenalised, power: power).low
        return (low * (1 - Self.slack), min(high, most) * (1 + Self.slack))
    }

    /// Covers the rounding of sums taken in different orders.
    static let slack = 1e-9

    /// Bounds of the sum of w^`power` over `count` weights that sum up to `mass`.
    private static func bounds(
        _ mass: Double, largest: Double, count: Int, power: Double
    ) -> (low: Double, high: Double) {
        guard mass > 0, count > 0 else { return (0, 0) }
        if power == 1 { return (mass, mass) }
        guard largest > 0 else { return (0, .infinity) }
        let byLargest = mass * Exponential.exp(Exponential.log(largest) * (power - 1))
        let byMean = Exponential.exp(
            Exponential.log(Double(count)) * (1 - power) + Exponential.log(mass) * power)
        return (min(byLargest, byMean), max(byLargest, byMean))
    }
}
