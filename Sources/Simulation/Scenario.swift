// SPDX-License-Identifier: Apache-2.0

/// A cluster that does not exist, and the work it is given.
package struct Scenario: Sendable {
    /// One stage's speed, by the planner's model: a step costs the time to read the weights, or the
    /// arithmetic of its rows where that is more.
    package struct Stage: Sendable {
        package var weightsMicroseconds: Double
        package var rowMicroseconds: Double

        func time(rows: Int) -> Double { max(weightsMicroseconds, Double(rows) * rowMicroseconds) }
    }

    package var stages: [Stage]
    /// One way, between any two neighbours and to and from the coordinator.
    package var hopMicroseconds: Double
    /// Each time is longer or shorter by up to this share, at random.
    package var jitter = 0.05
    /// Streams that generate at once.
    package var streamCount: Int
    /// Requests in all.
    package var requestCount: Int
    package var promptLengths: ClosedRange<Int>
    package var tokenCounts: ClosedRange<Int>
    /// Mean arrivals a second, at random; nil lets all come at once.
    package var arrivalsPerSecond: Double?
    package var seed: UInt64

    /// `stageCount` stages of which the slowest takes three times as long as the fastest.
    package init(
        stageCount: Int, hopMicroseconds: Double, streamCount: Int, requestCount: Int,
        arrivalsPerSecond: Double? = nil, seed: UInt64
    ) {
        var random = SeededNumbers(seed: seed)
        stages = (0..<stageCount).map { _ in
            let weights = Double.random(in: 5_000...15_000, using: &random)
            // Some ten rows cost no more than one.
            let row = weights / Double.random(in: 8...14, using: &random)
            return Stage(weightsMicroseconds: weights, rowMicroseconds: row)
        }
        self.hopMicroseconds = hopMicroseconds
        self.streamCount = streamCount
        self.requestCount = requestCount
        self.arrivalsPerSecond = arrivalsPerSecond
        self.seed = seed
        promptLengths = 16...64
        tokenCounts = 200...300
    }

    /// The most tokens a second that any division into groups can give: a group of b rows is
    /// computed by the slowest stage in its time for b rows, and no stream gets more than one token
    /// a trip.
    package var bound: Double {
        (1...streamCount).map { rows in
            let times = stages.map { $0.time(rows: rows) }
            let trip = times.reduce(0, +) + hopMicroseconds * Double(stages.count + 1)
            let slowest = times.max() ?? 1
            return min(Double(rows) / slowest, Double(streamCount) / trip) * 1e6
        }.max() ?? 0
    }
}

/// Reproducible random numbers: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
