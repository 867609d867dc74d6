// SPDX-License-Identifier: Apache-2.0

import Wire

/// Stages that only take time. Steps keep their order, so when a step is sent it is known at once
/// when each stage will have it.
struct SimulatedPipeline {
    struct Answer {
        let stepID: UInt64
        let microseconds: Double
        let candidates: Candidates
    }

    private let scenario: Scenario
    private var random: SeededNumbers
    /// When each stage is done with everything sent so far.
    private var freeAt: [Double]
    /// Time each stage has computed.
    private(set) var busyMicroseconds: [Double]
    /// Oldest first.
    private(set) var answers: [Answer] = []

    /// Two tokens, of which the second always comes: a sampler needs no more.
    static let vocabularyCount = 2

    init(_ scenario: Scenario) {
        self.scenario = scenario
        random = SeededNumbers(seed: scenario.seed &+ 1)
        freeAt = scenario.stages.map { _ in 0 }
        busyMicroseconds = freeAt
    }

    mutating func send(_ stepID: UInt64, _ step: Step, at microseconds: Double) {
        var time = microseconds
        var trail: [StageTiming] = []
        for (index, stage) in scenario.stages.enumerated() {
            let start = max(time + scenario.hopMicroseconds, freeAt[index])
            let share = Double.random(in: -scenario.jitter...scenario.jitter, using: &random)
            let compute = stage.time(rows: step.rows.count) * (1 + share)
            trail.append(
                StageTiming(
                    stage: UInt16(index), waitMicroseconds: Self.clamped(start - freeAt[index]),
                    computeMicroseconds: Self.clamped(compute), sendMicroseconds: 0))
            time = start + compute
            freeAt[index] = time
            busyMicroseconds[index] += compute
        }
        let rows = step.rows.filter { $0.want != .nothing }.map { row in
            RowCandidates(
                slot: row.slot, position: row.position, logSumExp: 1.3133,
                logits: .top([Candidate(id: 1, logit: 1), Candidate(id: 0, logit: 0)]))
        }
        answers.append(
            Answer(
                stepID: stepID, microseconds: time + scenario.hopMicroseconds,
                candidates: Candidates(rows: rows, trail: trail)))
    }

    /// As a trail has it, which holds 71 minutes: a stage may have been idle for longer.
    private static func clamped(_ microseconds: Double) -> UInt32 {
        UInt32(min(microseconds, Double(UInt32.max)))
    }

    mutating func takeAnswer() -> Answer { answers.removeFirst() }
}
