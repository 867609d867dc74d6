// SPDX-License-Identifier: Apache-2.0

import Engine
import FoundationEssentials
import Model
import Testing

/// The promise "same tokens at any split", on the real model and down to the last bit.
@Suite struct InvarianceTests {
    private static let tokens = (0..<80).map { ($0 * 7919 + 13) % 49_152 }

    private static let reference = Result {
        try [RealModel().engine()].forward(StageRow.run(tokens))
    }

    private let model: RealModel
    private let whole: [Prediction]

    init() throws {
        model = try RealModel()
        whole = try Self.reference.get()
    }

    /// Feeds the tokens in steps of at most `size` rows.
    private func chunked(_ engines: [StageEngine], size: Int) throws -> [[Float]] {
        var result: [[Float]] = []
        for start in stride(from: 0, to: Self.tokens.count, by: size) {
            let part = Self.tokens[start..<min(Self.tokens.count, start + size)]
            result += try engines.forward(StageRow.run(part, from: start)).map(\.allLogits)
        }
        return result
    }

    private func expectSame(_ logits: [[Float]], _ label: String) {
        #expect(logits.count == whole.count)
        let same = zip(logits, whole).allSatisfy { $0.isIdentical(to: $1.allLogits) }
        #expect(same, "\(label)")
    }

    @Test(arguments: [1, 2, 3, 5]) func stagesGiveTheSameBits(count: Int) throws {
        let predictions = try model.stages(count).forward(StageRow.run(Self.tokens))
        expectSame(predictions.map(\.allLogits), "\(count) stages")
    }

    @Test(arguments: [1, 7, 64]) func chunksGiveTheSameBits(size: Int) throws {
        expectSame(try chunked([model.engine()], size: size), "chunks of \(size)")
    }

    @Test(arguments: [1, 2, 3]) func threadCountsGiveTheSameBits(count: Int) throws {
        expectSame(try chunked([model.engine(threadCount: count)], size: 40), "\(count) threads")
    }

    @Test(arguments: KernelISA.allCases.filter(\.isSupported))
    func instructionSetsGiveTheSameBits(isa: KernelISA) throws {
        expectSame(try chunked([model.engine(isa: isa)], size: 33), isa.rawValue)
    }

    @Test func otherSequencesInTheBatchChangeNothing() throws {
        let engine = try model.engine(slotCount: 3)
        _ = try engine.forward(
            rows: StageRow.run([5, 6, 7, 8, 9], slot: 2, want: .nothing), hidden: [])
        var logits: [[Float]] = []
        for (index, token) in Self.tokens.enumerated() {
            let rows =
                StageRow.run([index * 3 + 1], slot: 0, from: index, want: .nothing)
                + StageRow.run([token], slot: 1, from: index)
                + StageRow.run([index + 9, index], slot: 2, from: 5 + 2 * index, want: .nothing)
            logits += try [engine].forward(rows).map(\.allLogits)
        }
        expectSame(logits, "batched")
    }

    /// Rows that want nothing leave the last layer early; those around them and after them do not
    /// notice.
    @Test(arguments: [1, 2], KVType.allCases)
    func rowsThatWantNothingChangeNothing(threadCount: Int, kvType: KVType) throws {
        let all = try model.engine(kvType: kvType, threadCount: threadCount)
        let few = try model.engine(kvType: kvType, threadCount: threadCount)
        let (tokens, others) = (Array(Self.tokens.prefix(60)), Self.tokens.suffix(9))
        for part in [0..<40, 40..<41, 41..<60] {
            let rows =
                StageRow.run(tokens[part], from: part.lowerBound)
                + StageRow.run(others.prefix(part.count % 8 + 1), slot: 1 + part.lowerBound % 3)
            let wanted = rows.indices.filter { $0 % 7 == 3 || (20..<23).contains($0) }
            var sparse = rows
            for index in rows.indices where !wanted.contains(index) {
                sparse[index].want = .nothing
            }
            let full = try [all].forward(rows)
            let found = try [few].forward(sparse)
            #expect(found.map(\.rowIndex) == wanted)
            for prediction in found {
                #expect(prediction.allLogits.isIdentical(to: full[prediction.rowIndex].allLogits))
            }
        }
    }

    @Test func truncatedAndForkedSlotsGiveTheSameBits() throws {
        let engine = try model.engine()
        let half = Self.tokens.count / 2 + 3
        _ = try [engine].forward(StageRow.run(Self.tokens.prefix(half)))
        _ = try [engine].forward(StageRow.run([1, 2, 3, 4], from: half))
        try engine.truncate(slot: 0, length: half)
        try engine.fork(slot: 3, source: 0, length: half - 5)
        try engine.release(slot: 0)
        let rest = StageRow.run(Self.tokens.dropFirst(half - 5), slot: 3, from: half - 5)
        let predictions = try [engine].forward(rest)
        #expect(predictions.count == Self.tokens.count - half + 5)
        let same = zip(predictions, whole.dropFirst(half - 5)).allSatisfy {
            $0.allLogits.isIdentical(to: $1.allLogits) && $0.logSumExp == $1.logSumExp
        }
        #expect(same)
    }

    @Test func topsAreTheLargestLogits() throws {
        let engine = try model.engine()
        let rows = StageRow.run(Self.tokens, want: .top(40))
        let predictions = try [engine].forward(rows)
        #expect(predictions.count == whole.count)
        for row in stride(from: 0, to: whole.count, by: 16) {
            let (prediction, full) = (predictions[row], whole[row])
            let logits = full.allLogits
            let order = logits.indices.sorted { (-logits[$0], $0) < (-logits[$1], $1) }
            let expected = order.prefix(40).map { TokenLogit(id: $0, logit: logits[$0]) }
            #expect(prediction.logits == .top(expected))
            #expect(prediction.logSumExp == full.logSumExp)
        }
    }
}

extension [Float] {
    /// Equal bit by bit.
    func isIdentical(to other: [Float]) -> Bool {
        withUnsafeBytes { Data($0) } == other.withUnsafeBytes { Data($0) }
    }
}
