// SPDX-License-Identifier: Apache-2.0

import Control
import Wire

/// Runs the real scheduler over a pipeline that only takes time, event by event.
package struct Simulator {
    private struct Stream {
        let arrival: Double
        let wantedCount: Int
        var tokenTimes: [Double] = []
    }

    private let scenario: Scenario
    private var scheduler: Scheduler
    private var pipeline: SimulatedPipeline
    private var random: SeededNumbers
    private var arrivals: [(time: Double, request: SequenceRequest)] = []
    private var streams: [UInt64: Stream] = [:]
    private var now = 0.0
    private var stepCount = 0
    private var rowCount = 0

    package init(_ scenario: Scenario) {
        self.scenario = scenario
        pipeline = SimulatedPipeline(scenario)
        random = SeededNumbers(seed: scenario.seed &+ 2)
        var limits = SchedulerLimits(
            slotCount: scenario.streamCount,
            contextLength: scenario.promptLengths.upperBound + scenario.tokenCounts.upperBound,
            rowCountMax: 512, queueCountMax: scenario.requestCount,
            vocabularyCount: SimulatedPipeline.vocabularyCount, endOfGeneration: [])
        limits.stepsInFlightMax = 2 * scenario.stages.count + 8
        scheduler = Scheduler(limits: limits)
        plan()
    }

    /// Draws the requests and when they come.
    private mutating func plan() {
        var time = 0.0
        for id in 1...UInt64(scenario.requestCount) {
            if let rate = scenario.arrivalsPerSecond {
                time += Double.random(in: 0...2, using: &random) / rate * 1e6
            }
            let length = Int.random(in: scenario.promptLengths, using: &random)
            let count = Int.random(in: scenario.tokenCounts, using: &random)
            var settings = SamplingSettings()
            settings.temperature = 0
            // The digits of its number: equal prompts would be computed once.
            let prompt = (0..<length).map { UInt32($0 < 64 ? id >> UInt64($0) & 1 : 0) }
            let request = SequenceRequest(
                id: id, prompt: prompt, sampling: settings, tokenCountMax: count)
            arrivals.append((time, request))
        }
        arrivals.reverse()
    }

    /// Runs until every request has been answered. Throws what the scheduler refuses, which only a
    /// fault of its own or of the simulation can make it do.
    package mutating func run() throws -> SimulationReport {
        carryOut(scheduler.pipelineUp(epoch: 1, stageCount: scenario.stages.count))
        while true {
            let arrival = arrivals.last?.time ?? .infinity
            let answer = pipeline.answers.first?.microseconds ?? .infinity
            guard min(arrival, answer) < .infinity else { break }
            now = min(arrival, answer)
            carryOut(scheduler.tick(now: .nanoseconds(Int64(now * 1000))))
            if arrival <= answer {
                let (time, request) = arrivals.removeLast()
                streams[request.id] = Stream(
                    arrival: time, wantedCount: request.tokenCountMax ?? 0)
                carryOut(try scheduler.submit(request))
            } else {
                let answer = pipeline.takeAnswer()
                carryOut(
                    try scheduler.candidatesArrived(stepID: answer.stepID, answer.candidates))
            }
        }
        return report()
    }

    private mutating func carryOut(_ directives: [SchedulerDirective]) {
        for directive in directives {
            switch directive {
            case .forward(let stepID, let step):
                stepCount += 1
                rowCount += step.rows.count
                pipeline.send(stepID, step, at: now)
            case .token(let id, _, _, _): streams[id]?.tokenTimes.append(now)
            case .prefilled, .finished, .failed: break
            }
        }
    }

    private func report() -> SimulationReport {
        let all = streams.values
        // While as many as can do generate: after the last of the first ones has begun, and until
        // the first of the last ones ends.
        let begins = all.compactMap(\.tokenTimes.first).sorted()
        let ends = all.compactMap(\.tokenTimes.last).sorted()
        let first = begins[min(scenario.streamCount, begins.count) - 1]
        let last = ends[max(0, ends.count - scenario.streamCount)]
        let steady = all.reduce(0) { sum, stream in
            sum + stream.tokenTimes.count { $0 > first && $0 <= last }
        }
        let gaps = all.flatMap { zip($0.tokenTimes.dropFirst(), $0.tokenTimes).map { $0 - $1 } }
        return SimulationReport(
            unansweredCount: all.count { $0.tokenTimes.count != $0.wantedCount },
            tokensPerSecond: Double(steady) / max(last - first, 1) * 1e6, bound: scenario.bound,
            rowsPerStep: Double(rowCount) / Double(max(stepCount, 1)),
            busyShare: (pipeline.busyMicroseconds.max() ?? 0) / max(now, 1),
            firstTokenMilliseconds: Percentiles(
                all.compactMap { stream in
                    stream.tokenTimes.first.map { ($0 - stream.arrival) / 1000 }
                }),
            gapMilliseconds: Percentiles(gaps.map { $0 / 1000 }))
    }
}
