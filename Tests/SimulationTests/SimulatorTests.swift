// SPDX-License-Identifier: Apache-2.0

import Simulation
import Testing

struct SimulatorTests {
    @Test(arguments: [(16, 128), (64, 384)])
    func unequalStagesComeCloseToTheSlowest(stages: Int, streams: Int) throws {
        for hop in [100.0, 1000.0] {
            let scenario = Scenario(
                stageCount: stages, hopMicroseconds: hop, streamCount: streams,
                requestCount: streams, seed: 7)
            var simulator = Simulator(scenario)
            let report = try simulator.run()
            #expect(report.unansweredCount == 0)
            #expect(report.share >= 0.9, "\(report)")
            #expect(report.share <= 1.05, "\(report)")
        }
    }

    /// Few streams, whose rows cost next to nothing: one step more would read all weights once
    /// more, and one less let the slowest stage idle. Milliseconds.
    @Test(arguments: [
        ([4.0], 0.2, 0.6, 8), ([4, 4], 0.2, 0.6, 12), ([15, 5], 1, 0.1, 8),
        ([10, 10], 0.7, 1.5, 16),
    ])
    func fewStreamsAreDividedAsSuitsThem(
        stages: [Double], row: Double, hop: Double, streams: Int
    ) throws {
        var scenario = Scenario(
            stageCount: stages.count, hopMicroseconds: hop * 1000, streamCount: streams,
            requestCount: streams, seed: 7)
        for (index, weights) in stages.enumerated() {
            scenario.stages[index].weightsMicroseconds = weights * 1000
            scenario.stages[index].rowMicroseconds = row * 1000
        }
        var simulator = Simulator(scenario)
        let report = try simulator.run()
        #expect(report.unansweredCount == 0)
        #expect(report.share >= 0.9, "\(report)")
    }

    @Test func arrivalsAreAllAnswered() throws {
        let scenario = Scenario(
            stageCount: 4, hopMicroseconds: 500, streamCount: 12, requestCount: 60,
            arrivalsPerSecond: 2, seed: 3)
        var simulator = Simulator(scenario)
        let report = try simulator.run()
        #expect(report.unansweredCount == 0)
        #expect(report.firstTokenMilliseconds.median > 0)
        #expect(report.gapMilliseconds.p99 >= report.gapMilliseconds.median)
    }

    /// A trail's microseconds hold 71 minutes.
    @Test func hoursOfIdlenessAreSimulated() throws {
        let scenario = Scenario(
            stageCount: 2, hopMicroseconds: 500, streamCount: 2, requestCount: 3,
            arrivalsPerSecond: 1e-5, seed: 1)
        var simulator = Simulator(scenario)
        #expect(try simulator.run().unansweredCount == 0)
    }

    /// By hand: two stages of 10 ms, rows free up to 10, no network.
    @Test func theBoundIsWhatTheSlowestStageGives() {
        var scenario = Scenario(
            stageCount: 2, hopMicroseconds: 0, streamCount: 20, requestCount: 20, seed: 1)
        scenario.stages[0].weightsMicroseconds = 10_000
        scenario.stages[1].weightsMicroseconds = 10_000
        scenario.stages[0].rowMicroseconds = 1000
        scenario.stages[1].rowMicroseconds = 1000
        // Two groups of ten: ten tokens each 10 ms.
        #expect(abs(scenario.bound - 1000) < 1e-6)
        scenario.streamCount = 4
        // Four rows in one group or in two: a token each 20 ms for every stream.
        #expect(abs(scenario.bound - 200) < 1e-6)
        scenario.streamCount = 1
        #expect(abs(scenario.bound - 50) < 1e-6)
    }
}
