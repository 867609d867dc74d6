// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
import Platform

/// Sends requests as any client would and times their tokens.
struct BenchRunner {
    struct Results {
        var prefill = BenchSeries()
        var decode: [Decode] = []
    }

    struct Decode {
        let streams: Int
        let depth: Int
        var series = BenchSeries()
    }

    private enum Ending {
        case measured(Duration)
        case failed(any Error)
    }

    let coordinator: Coordinator
    let vocabularyCount: Int
    let stageCount: Int
    let isStopped: () -> Bool

    private static let warmUpLength = 32
    private static let pollInterval = Duration.milliseconds(100)

    /// nil when `isStopped` said so.
    func run(_ plan: BenchPlan, beside memory: inout MemorySpeed) throws -> Results? {
        var results = Results()
        // Untimed: pages are touched, threads woken, clocks raised.
        let warmUp = min(Self.warmUpLength, plan.promptLength, plan.generateLength)
        guard try prefill(tokens(plan.promptLength, seed: 1)) != nil,
            try decode(streams: 1, depth: 0, count: warmUp, plan) != nil
        else { return nil }
        try memory.read(stages: 1)
        for run in 0..<plan.repeatCount {
            ProgressLine.show("prefill, run \(run + 1) of \(plan.repeatCount)")
            let prompt = tokens(plan.promptLength, seed: 2 + run)
            let isDone = try measure(
                &results.prefill, plan.promptLength, stages: stageCount, beside: &memory
            ) {
                try prefill(prompt)
            } rowsPerStep: { before, after in
                Double(plan.promptLength) / Double(max(1, before.stepCount(until: after)))
            }
            guard isDone else { return nil }
        }
        for depth in plan.depths {
            for streams in plan.streams {
                var result = Decode(streams: streams, depth: depth)
                for run in 0..<plan.repeatCount {
                    ProgressLine.show(
                        "decode, \(streams) streams at depth \(depth), "
                            + "run \(run + 1) of \(plan.repeatCount)")
                    let count = plan.generateLength
                    let isDone = try measure(
                        &result.series, streams * count, stages: min(streams, stageCount),
                        beside: &memory
                    ) {
                        try decode(streams: streams, depth: depth, count: count, plan)
                    } rowsPerStep: { before, after in
                        before.decodeRowsPerStep(until: after)
                    }
                    guard isDone else { return nil }
                }
                results.decode.append(result)
            }
        }
        return results
    }

    /// Adds a run that computes `tokenCount` tokens, in so many stages at once, to `series`; false
    /// when it was stopped.
    private func measure(
        _ series: inout BenchSeries, _ tokenCount: Int, stages: Int,
        beside memory: inout MemorySpeed, _ run: () throws -> Duration?,
        rowsPerStep: (_ before: StageClock, _ after: StageClock) -> Double
    ) throws -> Bool {
        let (ending, memoryRate) = try memory.rateAround(stages: stages) {
            let before = StageClock(coordinator)
            let time = try run()
            return (time: time, before: before, after: StageClock(coordinator))
        }
        guard let time = ending.time else { return false }
        series.add(
            Double(tokenCount) / time.seconds, memoryRate: memoryRate,
            busyShares: ending.before.busyShares(until: ending.after),
            rowsPerStep: rowsPerStep(ending.before, ending.after))
        return true
    }

    /// From submission to the first token.
    private func prefill(_ prompt: [UInt32]) throws -> Duration? {
        let ending = Mailbox<Ending>(capacity: 2)
        _ = try coordinator.submit(request(prompt, tokenCountMax: 1)) { event in
            switch event {
            case .token, .waiting: break
            case .finished(let summary): ending.offer(.measured(summary.prefillDuration))
            case .failed(let error): ending.offer(.failed(error))
            }
        }
        return try outcome(ending)
    }

    /// From the moment when all streams generate until each has `count` tokens more.
    private func decode(
        streams: Int, depth: Int, count: Int, _ plan: BenchPlan
    ) throws -> Duration? {
        let ending = Mailbox<Ending>(capacity: 2)
        let tally = DecodeTally(streams: streams, tokensPerStream: count)
        let limit = plan.tokenCountMax(streams: streams, depth: depth)
        let requests = (0..<streams).map { stream in
            request(
                tokens(plan.promptLength(depth: depth), seed: 1_000 + stream), tokenCountMax: limit)
        }
        // All at once: else the first gets ahead of the last, or even to its end.
        let ids = try coordinator.submit(requests) { stream, event in
            switch event {
            case .token:
                if let time = tally.note(stream: stream, at: MonotonicClock.now()) {
                    ending.offer(.measured(time))
                }
            case .waiting: break
            case .finished: ending.offer(.failed(BenchError.endedEarly))
            case .failed(let error): ending.offer(.failed(error))
            }
        }
        defer { for id in ids { coordinator.cancel(id) } }
        return try outcome(ending)
    }

    /// nil when stopped.
    private func outcome(_ ending: Mailbox<Ending>) throws -> Duration? {
        while !isStopped() {
            switch ending.take(timeout: Self.pollInterval) {
            case .measured(let time)?: return time
            case .failed(let error)?: throw error
            case nil: continue
            }
        }
        return nil
    }

    private func request(_ prompt: [UInt32], tokenCountMax: Int) -> GenerationRequest {
        var sampling = SamplingSettings()
        sampling.temperature = 0
        return GenerationRequest(
            prompt: prompt, sampling: sampling, tokenCountMax: tokenCountMax, ignoresEnd: true)
    }

    /// Different for each seed, so that no run finds another's work done.
    private func tokens(_ count: Int, seed: Int) -> [UInt32] {
        (0..<count).map { index in
            let word = RandomBytes.word(seed: UInt64(seed) << 32 | UInt64(index))
            return UInt32(word % UInt64(vocabularyCount))
        }
    }
}
