// SPDX-License-Identifier: Apache-2.0

import Engine
import Model
import Testing

/// Slots that share pages, and long contexts, against runs that have the cache to themselves.
@Suite struct KVCacheTests {
    private let model: SmallModel

    init() throws { model = try SmallModel(type: .q4_0) }

    private func tokens(_ count: Int, seed: Int = 1) -> [Int] {
        (0..<count).map { ($0 * $0 * 7 + $0 * seed + seed) % 75 }
    }

    /// The logits after each of `tokens` from `first` on, computed alone.
    private func alone(_ tokens: [Int], from first: Int, kvType: KVType = .f16) throws -> [[Float]]
    {
        let engine = try model.engine(
            model.configuration(
                slotCount: 1, contextLength: 300, kvType: kvType, rowCountMax: 300))
        return try [engine].forward(StageRow.run(tokens)).dropFirst(first).map(\.allLogits)
    }

    private func expectSame(_ found: [Prediction], _ expected: [[Float]]) {
        #expect(found.count == expected.count)
        for (a, b) in zip(found, expected) { #expect(a.allLogits.isIdentical(to: b)) }
    }

    @Test(arguments: KVType.allCases, [64, 70])
    func slotsThatShareAPrefixDoNotDisturbEachOther(kvType: KVType, length: Int) throws {
        let engine = try model.engine(
            model.configuration(slotCount: 3, contextLength: 200, kvType: kvType, rowCountMax: 200))
        let prompt = tokens(90)
        let (left, right) = (tokens(30, seed: 3), tokens(40, seed: 5))
        _ = try [engine].forward(StageRow.run(prompt, want: .nothing))
        try engine.fork(slot: 1, source: 0, length: length)
        try engine.fork(slot: 2, source: 1, length: length)
        // The first slot goes on inside a page that all three hold.
        try engine.truncate(slot: 0, length: 40)
        expectSame(
            try [engine].forward(StageRow.run(left, slot: 0, from: 40)),
            try alone(Array(prompt[..<40]) + left, from: 40, kvType: kvType))
        try engine.release(slot: 0)
        _ = try [engine].forward(StageRow.run(tokens(150, seed: 9), slot: 0, want: .nothing))
        for (slot, rest) in [(1, left), (2, right)] {
            expectSame(
                try [engine].forward(StageRow.run(rest, slot: slot, from: length)),
                try alone(Array(prompt[..<length]) + rest, from: length, kvType: kvType))
        }
    }

    @Test func runningOutOfPagesThrowsAndChangesNothing() throws {
        let engine = try model.engine(model.configuration(slotCount: 4, pageCount: 3))
        #expect(engine.freePageCount == 3)
        _ = try [engine].forward(StageRow.run(tokens(64)))
        _ = try [engine].forward(StageRow.run(tokens(32), slot: 1))
        try engine.fork(slot: 2, source: 0, length: 64)
        #expect(engine.freePageCount == 0)
        let one = EngineError.pagesExhausted(needed: 1, free: 0)
        for slot in 0..<4 {
            let rows = StageRow.run([1], slot: slot, from: engine.length(slot: slot) ?? 0)
            #expect(throws: one) { try engine.forward(rows: rows, hidden: []) }
        }
        let two = StageRow.run([1], slot: 3) + StageRow.run([1], slot: 1, from: 32)
        #expect(throws: EngineError.pagesExhausted(needed: 2, free: 0)) {
            try engine.forward(rows: two, hidden: [])
        }
        #expect(throws: one) { try engine.fork(slot: 3, source: 0, length: 33) }
        #expect(throws: one) { try engine.truncate(slot: 2, length: 33) }
        #expect((0..<4).map { engine.length(slot: $0) } == [64, 32, 64, 0])
        try engine.fork(slot: 3, source: 2, length: 32)
        try engine.release(slot: 1)
        #expect(engine.freePageCount == 1)
        expectSame(
            try [engine].forward(StageRow.run([7, 8], slot: 2, from: 64)),
            try alone(tokens(64) + [7, 8], from: 64))
        for slot in 0..<4 { try engine.release(slot: slot) }
        #expect(engine.freePageCount == 3)
    }

    /// Pages of which each is more than a call gives back: however many are free, nobody waits for
    /// more than one, and those not yet given back serve again as they are.
    @Test func memoryOfEndedSequencesIsGivenBackInParts() throws {
        let configuration = model.configuration(slotCount: 3, pagePositionCount: 65_536)
        let engine = try model.engine(configuration)
        let pageBytes = try #require(configuration.kvByteCount) / 3
        var expected: [[Float]] = []
        for slot in 0..<3 {
            expected = try [engine].forward(StageRow.run(tokens(40), slot: slot)).map(\.allLogits)
        }
        #expect(engine.giveBack() == 0)
        for slot in 0..<3 { try engine.release(slot: slot) }
        #expect(engine.freePageCount == 3 && engine.giveBack() == pageBytes)
        expectSame(try [engine].forward(StageRow.run(tokens(40))), expected)
        #expect(engine.giveBack() == pageBytes && engine.giveBack() == 0)
        try engine.release(slot: 0)
        #expect(engine.giveBack() == pageBytes && engine.giveBack() == 0)
    }

    /// Beyond the length at which one sequence's attention is shared out among threads.
    @Test(arguments: KVType.allCases)
    func longContextsGiveTheSameBits(kvType: KVType) throws {
        let tokens = tokens(1_500)
        var expected: [[Float]] = []
        for (threads, pageSize, isa) in [
            (1, 32, nil), (2, 64, nil), (3, 32, KernelISA.portable), (7, 128, .avx2), (4, 96, nil),
        ] as [(Int, Int, KernelISA?)] where isa?.isSupported != false {
            let engine = try model.engine(
                model.configuration(
                    slotCount: 2, contextLength: 1_600, pagePositionCount: pageSize,
                    kvType: kvType, rowCountMax: 1_600, threadCount: threads), isa: isa)
            _ = try [engine].forward(StageRow.run(tokens.dropLast(6), slot: 1, want: .nothing))
            var found: [[Float]] = []
            for position in 1_494..<1_498 {
                let row = StageRow.run([tokens[position]], slot: 1, from: position)
                let other = StageRow.run([position % 75], slot: 0, from: position - 1_494)
                found += try [engine].forward(position % 2 == 0 ? row : row + other)
                    .prefix(1).map(\.allLogits)
                if position % 2 == 0 {
                    _ = try engine.forward(rows: other, hidden: [])
                }
            }
            found += try [engine].forward(StageRow.run(tokens[1_498...], slot: 1, from: 1_498))
                .map(\.allLogits)
            if expected.isEmpty { expected = found }
            #expect(found.count == 6)
            let same = zip(found, expected).allSatisfy { $0.isIdentical(to: $1) }
            #expect(same, "\(threads) threads, pages of \(pageSize)")
        }
    }

    @Test func codesAreNearTheirValues() throws {
        let tokens = tokens(60)
        let exact = try alone(tokens, from: 0)
        let found = try alone(tokens, from: 0, kvType: .q8)
        for (a, b) in zip(found, exact) {
            let size = b.map(abs).max() ?? 1
            let worst = zip(a, b).map { abs($0 - $1) }.max() ?? .infinity
            #expect(worst > 0 && worst < 0.03 * size)
        }
    }
}
