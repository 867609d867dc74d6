// SPDX-License-Identifier: Apache-2.0

import Engine
import Model
import Platform
import Wire

/// One stage at work: takes a step as it travels and gives what the next in line is to get.
///
/// Translates between the wire's values and the engine's, checks what came from outside, and
/// keeps the stage's times. One thread uses it at a time.
final class StageRunner {
    enum Output {
        case next(Step)
        case candidates(Candidates)
    }

    let stage: Int
    private let engine: StageEngine
    private let wireType: WireType
    private(set) var counters = StageCounters()
    private var previousEnd: Duration?
    private var isBound = false

    /// `wireType` is what its output travels as.
    init(stage: Int, engine: StageEngine, wireType: WireType = .f32) {
        self.stage = stage
        self.engine = engine
        self.wireType = wireType
    }

    var residentByteCount: Int { engine.residentByteCount }

    var keptWeights: KeptWeights { engine.keptWeights }

    /// Runs `step`. `sendMicroseconds` is what sending the previous one took.
    ///
    /// Throws `StepFault` or `EngineError`; edits may have been applied by then.
    func run(_ step: Step, sendMicroseconds: Int) throws -> Output {
        if !isBound {
            isBound = true
            engine.bindThreads()
        }
        let start = MonotonicClock.now()
        // Also what keeps the trail within its limit.
        guard step.trail.map({ Int($0.stage) }) == Array(0..<stage) else {
            throw StepFault.wrongTrail(stage: stage, stagesBefore: step.trail.count)
        }
        let hidden = step.activations.values(isa: engine.isa)
        guard stage > 0 || hidden.isEmpty else { throw StepFault.activationsAtFirstStage }
        for edit in step.edits { try apply(edit) }
        let vocabularySize = engine.configuration.hyperparameters.vocabularySize
        let rows = step.rows.map { StageRow($0, vocabularySize: vocabularySize) }
        let output = try engine.forward(rows: rows, hidden: hidden)
        let end = MonotonicClock.now()
        let wait = previousEnd.map { max(0, (start - $0).microseconds) } ?? 0
        let timing = StageTiming(
            stage: UInt16(stage), waitMicroseconds: UInt32(clamping: wait),
            computeMicroseconds: UInt32(clamping: (end - start).microseconds),
            sendMicroseconds: UInt32(clamping: sendMicroseconds))
        counters.add(timing, rowCount: step.rows.count)
        previousEnd = end
        return package(output, of: step, trail: step.trail + [timing])
    }

    /// What `run` gave is on its way: what comes until the next step is waiting.
    func handedOver() {
        giveBack()
        previousEnd = MonotonicClock.now()
    }

    /// As the engine's: once after each step, and in pauses as long as it gives any.
    @discardableResult func giveBack() -> Int { engine.giveBack() }

    private func package(_ output: StageOutput, of step: Step, trail: [StageTiming]) -> Output {
        switch output {
        case .hidden(let values):
            let activations = Activations(values, as: wireType, isa: engine.isa)
            return .next(
                Step(edits: step.edits, rows: step.rows, activations: activations, trail: trail))
        case .predictions(let predictions):
            let rows = predictions.map { prediction in
                let row = step.rows[prediction.rowIndex]
                return RowCandidates(
                    slot: row.slot, position: row.position, logSumExp: prediction.logSumExp,
                    logits: RowCandidates.Logits(prediction.logits))
            }
            return .candidates(Candidates(rows: rows, trail: trail))
        }
    }

    private func apply(_ edit: KVEdit) throws(EngineError) {
        switch edit {
        case .release(let slot): try engine.release(slot: Int(slot))
        case .truncate(let slot, let length):
            try engine.truncate(slot: Int(slot), length: held(slot, length))
        case .fork(let slot, let source, let length):
            try engine.fork(slot: Int(slot), source: Int(source), length: held(source, length))
        }
    }

    /// As many positions of the slot as are asked for, of those that it holds.
    private func held(_ slot: UInt32, _ length: UInt32) -> Int {
        min(Int(length), engine.length(slot: Int(slot)) ?? 0)
    }
}

/// What in a step contradicts its way through the stages.
enum StepFault: Error, Equatable, CustomStringConvertible {
    case wrongTrail(stage: Int, stagesBefore: Int)
    case activationsAtFirstStage

    var description: String {
        switch self {
        case .wrongTrail(let stage, let count):
            "a step came to stage \(stage) with a trail of \(count) other stages"
        case .activationsAtFirstStage: "a step came to the first stage with activations"
        }
    }
}

/// What a stage did since it was loaded.
struct StageCounters: Equatable {
    var stepCount: UInt64 = 0
    var rowCount: UInt64 = 0
    var computeMicroseconds: UInt64 = 0
    var waitMicroseconds: UInt64 = 0
    var sendMicroseconds: UInt64 = 0

    mutating func add(_ timing: StageTiming, rowCount rows: Int) {
        stepCount += 1
        rowCount += UInt64(rows)
        computeMicroseconds += UInt64(timing.computeMicroseconds)
        waitMicroseconds += UInt64(timing.waitMicroseconds)
        sendMicroseconds += UInt64(timing.sendMicroseconds)
    }

    static func + (a: StageCounters, b: StageCounters) -> StageCounters {
        var sum = a
        sum.stepCount += b.stepCount
        sum.rowCount += b.rowCount
        sum.computeMicroseconds += b.computeMicroseconds
        sum.waitMicroseconds += b.waitMicroseconds
        sum.sendMicroseconds += b.sendMicroseconds
        return sum
    }
}

extension StageRow {
    /// A row that wants more candidates than there are tokens gets them all.
    init(_ row: Row, vocabularySize: Int) {
        let want: StageRow.Want =
            switch row.want {
            case .nothing: .nothing
            case .candidates(let count): .top(min(Int(count), vocabularySize))
            case .allLogits: .all
            }
        self.init(
            slot: Int(row.slot), position: Int(row.position), token: Int(row.token), want: want)
    }
}

extension RowCandidates.Logits {
    init(_ logits: Prediction.Logits) {
        switch logits {
        case .top(let list):
            self = .top(list.map { Candidate(id: UInt32($0.id), logit: $0.logit) })
        case .all(let values): self = .all(values)
        }
    }
}
