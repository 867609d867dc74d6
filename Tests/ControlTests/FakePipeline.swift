// SPDX-License-Identifier: Apache-2.0

import Control
import Foundation
import Wire

/// Stages that keep tokens where others keep keys and values: what follows a row is a function of
/// all tokens before it in its slot, so any mistake in edits or rows gives other tokens.
struct FakePipeline {
    static let vocabularyCount = 200

    /// What a stage would refuse.
    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    let stageCount: Int
    let pageCount: Int
    let pagePositionCount: Int
    /// Tokens in each slot when all steps sent so far have run.
    private(set) var slots: [[UInt32]]
    /// Answers on their way, oldest first.
    private(set) var answers: [(stepID: UInt64, rows: [RowCandidates], rowCount: Int)] = []
    private var lastStepID: UInt64 = 0
    /// Names of the pages of each slot; a name in several slots is one page.
    private var pages: [[Int]]
    private var lastPage = 0

    init(stageCount: Int, limits: SchedulerLimits) {
        self.stageCount = stageCount
        pageCount = limits.pageCount
        pagePositionCount = limits.pagePositionCount
        slots = Array(repeating: [], count: limits.slotCount + limits.keptCountMax)
        pages = slots.map { _ in [] }
    }

    var pagesInUse: Int { Set(pages.joined()).count }

    var rowsInFlight: Int { answers.reduce(0) { $0 + $1.rowCount } }

    /// Runs a step as every stage does: edits in order, then rows.
    mutating func run(_ stepID: UInt64, _ step: Step) throws {
        guard stepID == lastStepID + 1 else {
            throw Fault(description: "step \(stepID) after step \(lastStepID)")
        }
        lastStepID = stepID
        for edit in step.edits { try apply(edit) }
        var predictions: [RowCandidates] = []
        for row in step.rows {
            let slot = Int(row.slot)
            guard slots.indices.contains(slot), slots[slot].count == Int(row.position) else {
                throw Fault(description: "slot \(slot) is not at position \(row.position)")
            }
            slots[slot].append(row.token)
            try fit(slot)
            let logits = Self.logits(after: slots[slot])
            var prediction: RowCandidates
            switch row.want {
            case .nothing: continue
            case .candidates(let count): prediction = rowCandidates(logits, top: Int(count))
            case .allLogits: prediction = rowCandidates(logits, top: nil)
            }
            prediction.slot = row.slot
            prediction.position = row.position
            predictions.append(prediction)
        }
        answers.append((stepID, predictions, step.rows.count))
    }

    private mutating func apply(_ edit: KVEdit) throws {
        switch edit {
        case .release(let slot):
            slots[Int(slot)] = []
            try fit(Int(slot))
        case .truncate(let slot, let length):
            guard length <= slots[Int(slot)].count else {
                throw Fault(description: "slot \(slot) is cut to \(length), longer than it is")
            }
            slots[Int(slot)].removeLast(slots[Int(slot)].count - Int(length))
            try fit(Int(slot))
        case .fork(let slot, let source, let length):
            guard length <= slots[Int(source)].count else {
                throw Fault(description: "slot \(source) is forked at \(length), beyond its end")
            }
            slots[Int(slot)] = Array(slots[Int(source)].prefix(Int(length)))
            pages[Int(slot)] = Array(pages[Int(source)].prefix(Int(length) / pagePositionCount))
            try fit(Int(slot))
        }
    }

    /// Gives the slot as many pages as its length needs, and of a page in part one of its own.
    private mutating func fit(_ slot: Int) throws {
        let length = slots[slot].count
        let count = (length + pagePositionCount - 1) / pagePositionCount
        if pages[slot].count > count { pages[slot].removeLast(pages[slot].count - count) }
        let isPartial = length % pagePositionCount != 0
        if isPartial, pages[slot].count == count, let last = pages[slot].last,
            pages.count(where: { $0.contains(last) }) > 1
        {
            pages[slot].removeLast()
        }
        while pages[slot].count < count {
            lastPage += 1
            pages[slot].append(lastPage)
        }
        guard pagesInUse <= pageCount else {
            throw Fault(description: "\(pagesInUse) pages are in use, there are \(pageCount)")
        }
    }

    mutating func takeAnswer() -> (stepID: UInt64, rows: [RowCandidates], rowCount: Int)? {
        answers.isEmpty ? nil : answers.removeFirst()
    }

    static func logits(after tokens: [UInt32]) -> [Float] {
        var state: UInt64 = 14_695_981_039_346_656_037
        for token in tokens { state = (state ^ UInt64(token + 1)) &* 1_099_511_628_211 }
        var random = SplitMix(state: state)
        var logits = (0..<vocabularyCount).map { _ in
            Float(random.next() >> 40) / Float(1 << 24) * 6
        }
        // Often the same tokens follow each other, as in any text.
        if let last = tokens.last { logits[Int(last % 6 + 40)] += 5 }
        return logits
    }

    /// The tokens that a sequence gets when nothing else runs, by the plain definition of sampling.
    static func solo(_ request: SequenceRequest, limits: SchedulerLimits) -> [UInt32] {
        var tokens = request.prompt
        var generated: [UInt32] = []
        while tokens.count < limits.contextLength, generated.count != request.tokenCountMax {
            let reference = SamplingReference(
                settings: request.sampling, prompt: request.prompt, generated: generated)
            let draw = Draw.uniform(seed: request.sampling.seed, index: generated.count)
            let token = reference.token(logits(after: tokens), draw: draw)
            if !request.ignoresEnd, limits.endOfGeneration.contains(token) { break }
            generated.append(token)
            tokens.append(token)
        }
        return generated
    }
}
