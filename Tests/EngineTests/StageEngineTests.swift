// SPDX-License-Identifier: Apache-2.0

import Engine
import Model
import Platform
import Testing

/// The whole forward pass on small random models, and what a stage refuses.
@Suite struct StageEngineTests {
    private let tokens = (0..<34).map { ($0 * 31 + 7) % 75 }
    /// As many as take float weights to OpenBLAS in one step.
    private let manyTokens = (0..<FloatProduct.rowCountMin).map { ($0 * 31 + 7) % 75 }

    private func worst(_ found: [Prediction], _ exact: [[Double]]) -> Double {
        zip(found, exact).reduce(0.0) { worst, pair in
            let size = pair.1.map(abs).max() ?? 1
            return zip(pair.0.allLogits, pair.1).reduce(worst) {
                max($0, abs(Double($1.0) - $1.1) / size)
            }
        }
    }

    /// Rows one by one take the lane kernels, all at once OpenBLAS; the cache's f16 is the error.
    @Test(arguments: ElementType.floats, [true, false])
    func floatModelsMatchDoubles(type: ElementType, isTied: Bool) throws {
        let model = try SmallModel(type: type, isTied: isTied, hasRopeFactors: !isTied)
        let exact = model.exactLogits(manyTokens)
        let engine = try model.engine()
        let atOnce = try [engine].forward(StageRow.run(manyTokens))
        try engine.release(slot: 0)
        let singly = try manyTokens.enumerated().flatMap { index, token in
            try [engine].forward(StageRow.run([token], from: index))
        }
        #expect(atOnce.count == manyTokens.count && singly.count == manyTokens.count)
        #expect(worst(atOnce, exact) < 2e-3)
        #expect(worst(singly, exact) < 2e-3)
    }

    /// Threads take what they find, but OpenBLAS gets the same tiles every time.
    @Test func floatModelsRepeatThemselvesOnAnyThreads() throws {
        let model = try SmallModel(type: .f16)
        let expected = try [model.engine(model.configuration(threadCount: 1))].forward(
            StageRow.run(manyTokens))
        for threadCount in [2, 3] {
            let engine = try model.engine(model.configuration(threadCount: threadCount))
            for _ in 0..<20 {
                let found = try [engine].forward(StageRow.run(manyTokens))
                for (prediction, other) in zip(found, expected) {
                    #expect(prediction.allLogits.isIdentical(to: other.allLogits))
                }
                try engine.release(slot: 0)
            }
        }
    }

    @Test func theBorderOfOpenBLASIsExplicit() {
        for type in ElementType.floats {
            #expect(!FloatProduct.isUsed(type: type, rowCount: FloatProduct.rowCountMin - 1))
            #expect(FloatProduct.isUsed(type: type, rowCount: FloatProduct.rowCountMin))
        }
        for type in ElementType.quantised {
            #expect(!FloatProduct.isUsed(type: type, rowCount: 512))
        }
    }

    /// Below the border of OpenBLAS the promise of the same bits holds for float weights too.
    @Test(arguments: ElementType.supported)
    func smallStepsGiveTheSameBits(type: ElementType) throws {
        let model = try SmallModel(type: type)
        let tokens = manyTokens.dropLast()
        let whole = try [model.engine()].forward(StageRow.run(tokens))
        for isa in KernelISA.allCases where isa.isSupported {
            let stages = try [0..<1, 1..<3].map {
                try model.engine(model.configuration(layers: $0, threadCount: 3), isa: isa)
            }
            for start in stride(from: 0, to: tokens.count, by: 5) {
                let part = tokens[start..<min(tokens.count, start + 5)]
                let predictions = try stages.forward(StageRow.run(part, slot: 1, from: start))
                for (offset, prediction) in predictions.enumerated() {
                    let expected = whole[start + offset]
                    #expect(prediction.allLogits.isIdentical(to: expected.allLogits))
                    #expect(prediction.logSumExp == expected.logSumExp)
                }
            }
        }
    }

    /// Codes of 8 bits on both sides: a few percent of the largest logit.
    @Test(arguments: ElementType.quantised)
    func quantisedModelsAreNearDoubles(type: ElementType) throws {
        let model = try SmallModel(type: type)
        let found = try [model.engine()].forward(StageRow.run(tokens.prefix(12)))
        #expect(worst(found, model.exactLogits(Array(tokens.prefix(12)))) < 0.06)
    }

    @Test func onlyWantingRowsArePredicted() throws {
        let engine = try SmallModel(type: .q8_0).engine()
        var rows = StageRow.run(tokens, want: .nothing)
        rows[3].want = .top(2)
        rows[33].want = .all
        let predictions = try [engine].forward(rows)
        #expect(predictions.map(\.rowIndex) == [3, 33])
        #expect(predictions[1].allLogits.count == 75)
        guard case .top(let top) = predictions[0].logits else {
            Issue.record("no top")
            return
        }
        #expect(top.count == 2 && top[0].logit >= top[1].logit)
        #expect(try engine.forward(rows: [], hidden: []) == .predictions([]))
    }

    @Test func wrongRowsThrowAndChangeNothing() throws {
        let model = try SmallModel(type: .q4_0)
        let engine = try model.engine(model.configuration(contextLength: 10, rowCountMax: 12))
        _ = try engine.forward(rows: StageRow.run([1, 2]), hidden: [])
        func expect(_ error: EngineError, _ rows: [StageRow]) {
            #expect(throws: error) { try engine.forward(rows: rows, hidden: []) }
            #expect(!error.description.isEmpty)
            #expect(engine.length(slot: 0) == 2 && engine.length(slot: 1) == 0)
        }
        let good = StageRow.run([5], slot: 1)
        expect(.tooManyRows(count: 13, limit: 12), StageRow.run(tokens.prefix(13), slot: 1))
        for slot in [-1, 3, Int.max] {
            expect(.slotOutOfRange(slot: slot, slotCount: 3), good + StageRow.run([1], slot: slot))
        }
        for position in [-1, 0, 1, 3, Int.max] {
            expect(
                .positionMismatch(slot: 0, position: position, expected: 2),
                good + [StageRow(slot: 0, position: position, token: 1, want: .nothing)])
        }
        expect(
            .contextFull(slot: 1, position: 10, contextLength: 10),
            StageRow.run(tokens.prefix(11), slot: 1))
        for token in [-1, 75, Int.min] {
            expect(
                .tokenOutOfRange(token: token, vocabularySize: 75), StageRow.run([token], from: 2))
        }
        for count in [0, -5, 76] {
            expect(
                .topOutOfRange(count: count, vocabularySize: 75),
                StageRow.run([1], from: 2, want: .top(count)))
        }
        _ = try engine.forward(rows: StageRow.run([3], from: 2) + good, hidden: [])
    }

    @Test func laterStagesHoldTheHiddenValuesAgainstTheRows() throws {
        let model = try SmallModel(type: .q4_1)
        let engine = try model.engine(model.configuration(layers: 1..<2))
        let rows = StageRow.run([1, 2])
        for count in [0, 96, 191, 193] {
            #expect(throws: EngineError.hiddenCount(found: count, expected: 192)) {
                try engine.forward(rows: rows, hidden: [Float](repeating: 0, count: count))
            }
        }
        // Nonsense from a peer stays nonsense, without a trap.
        let nonsense =
            [Float](repeating: .nan, count: 96) + [Float](repeating: .infinity, count: 96)
        guard case .hidden(let values) = try engine.forward(rows: rows, hidden: nonsense) else {
            Issue.record("a middle stage returns hidden values")
            return
        }
        #expect(values.count == 192)
    }

    @Test func wrongEditsThrowAndChangeNothing() throws {
        let engine = try SmallModel(type: .q5_0).engine()
        _ = try engine.forward(rows: StageRow.run([1, 2, 3]), hidden: [])
        for slot in [-1, 3, Int.max] {
            let error = EngineError.slotOutOfRange(slot: slot, slotCount: 3)
            #expect(throws: error) { try engine.release(slot: slot) }
            #expect(throws: error) { try engine.truncate(slot: slot, length: 0) }
            #expect(throws: error) { try engine.fork(slot: slot, source: 0, length: 1) }
            #expect(throws: error) { try engine.fork(slot: 0, source: slot, length: 1) }
            #expect(engine.length(slot: slot) == nil)
        }
        for length in [-1, 4, Int.max] {
            let error = EngineError.lengthOutOfRange(slot: 0, length: length, current: 3)
            #expect(throws: error) { try engine.truncate(slot: 0, length: length) }
            #expect(throws: error) { try engine.fork(slot: 1, source: 0, length: length) }
            #expect(!error.description.isEmpty)
        }
        #expect(engine.length(slot: 0) == 3 && engine.length(slot: 1) == 0)
        try engine.fork(slot: 1, source: 0, length: 2)
        try engine.truncate(slot: 0, length: 1)
        #expect(engine.length(slot: 0) == 1 && engine.length(slot: 1) == 2)
    }

    @Test func missingAndMisshapenTensorsAreNamed() throws {
        let model = try SmallModel(type: .q5_1)
        let name = "blk.1.ffn_up.weight"
        let without = model.tensors.filter { $0.name != name }
        #expect(throws: EngineError.missingTensor(name)) {
            try StageEngine(
                configuration: model.configuration(), tensors: without, progress: { _ in })
        }
        let shape = [160, 96]
        let misshapen = model.tensors.map {
            $0.name == name
                ? Tensor(name: name, type: $0.type, shape: shape, region: $0.region) : $0
        }
        let error = EngineError.tensorShape(name: name, found: shape, expected: [96, 160])
        #expect(throws: error) {
            try StageEngine(
                configuration: model.configuration(), tensors: misshapen, progress: { _ in })
        }
    }

    @Test func absurdConfigurationsAreRefused() throws {
        let model = try SmallModel(type: .q4_0)
        for (name, change) in [
            ("threadCount", { $0.threadCount = 0 }), ("slotCount", { $0.slotCount = -1 }),
            ("contextLength", { $0.contextLength = 0 }), ("rowCountMax", { $0.rowCountMax = 0 }),
            ("pageCount", { $0.pageCount = 0 }),
            ("pagePositionCount", { $0.pagePositionCount = 0 }),
            ("pagePositionCount % 32", { $0.pagePositionCount = 48 }),
            ("headSize", { $0.hyperparameters.headSize = 4_096 }),
            ("end of layers", { $0.layers = 2..<9 }),
        ] as [(String, (inout StageConfiguration) -> Void)] {
            var configuration = model.configuration()
            change(&configuration)
            do throws(EngineError) {
                _ = try StageEngine(
                    configuration: configuration, tensors: model.tensors, progress: { _ in })
                Issue.record("\(name) was accepted")
            } catch {
                #expect(error.description.hasPrefix(name))
            }
        }
    }

    @Test func memoryIsEstimatedAndCounted() throws {
        let model = try RealModel()
        let weights = model.file.tensors.reduce(0) { $0 + $1.region.byteCount }
        let engine = try model.engine()
        let estimate = StageEngine.memoryByteCount(
            configuration: engine.configuration, weightByteCount: weights)
        let before = engine.residentByteCount
        #expect(before > weights * 99 / 100 && before < estimate)
        _ = try engine.forward(rows: StageRow.run(0..<100, want: .nothing), hidden: [])
        // Two pages of 64, of 30 layers, 3 heads of 64, keys and values of 2 bytes.
        #expect(engine.residentByteCount - before == 2 * 64 * 30 * 3 * 64 * 2 * 2)
        let kv = try #require(engine.configuration.kvByteCount)
        #expect(kv == 4 * 256 * 30 * 3 * 64 * 2 * 2)
        var half = engine.configuration
        half.pageCount /= 2
        #expect(
            estimate - kv / 2
                == StageEngine.memoryByteCount(configuration: half, weightByteCount: weights))
        try engine.release(slot: 0)
        #expect(engine.residentByteCount == before)
    }

    @Test func progressRisesToTheWeightsSize() throws {
        let model = try SmallModel(type: .f16)
        var steps: [Int] = []
        _ = try StageEngine(
            configuration: model.configuration(), tensors: model.tensors,
            progress: { steps.append($0) })
        #expect(steps.count == 4 && steps == steps.sorted() && (steps.first ?? 0) > 0)
    }

    @Test func loadingEndsWhenNobodyWantsTheStage() throws {
        let model = try SmallModel(type: .f16)
        var stepCount = 0
        #expect(throws: EngineError.loadingStopped) {
            _ = try StageEngine(configuration: model.configuration(), tensors: model.tensors) {
                (_) throws(EngineError) in
                stepCount += 1
                if stepCount == 2 { throw .loadingStopped }
            }
        }
        #expect(stepCount == 2)
    }
}
