// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
import Model
import TestSupport
import Testing
import Wire

/// The promise: the same bits at any split.
@Suite(.serialized)
struct SplitTests {
    private let requests: [GenerationRequest] = [
        .test(), .test(seed: 5), .test(length: 1, seed: 9),
    ]

    @Test(arguments: [false, true])
    func anyNumberOfWorkersGivesTheSameBits(tied: Bool) throws {
        let file = try TestModelFile(tied: tied)
        let alone = try Coordinator.inProcess(file.model)
        let expected = try requests.map { try alone.generate($0) }
        alone.stop()
        #expect(expected.allSatisfy { $0.ids.count == 24 && $0.reason == .length })
        #expect(Set(expected.map(\.ids)).count == requests.count)
        for workerCount in [1, 2, 3, 5] {
            let cluster = try TestCluster(file.model, workerCount: workerCount)
            #expect(cluster.awaitReady(stageCount: workerCount))
            let found = try requests.map { try cluster.coordinator.generate($0) }
            #expect(found == expected, "\(workerCount) workers")
            cluster.stop()
        }
    }

    @Test func requestsTogetherEqualThemselvesAlone() throws {
        let file = try TestModelFile(layers: 4, type: .q4_0)
        let many = (1...7).map { number in
            GenerationRequest.test(length: 5 + 31 * number % 97, seed: UInt64(number % 4))
        }
        let alone = try Coordinator.inProcess(file.model)
        let expected = try many.map { try alone.generate($0) }
        let together = try many.map { try TestRequest(alone, $0) }
        #expect(together.map { $0.finish() } == expected)
        alone.stop()
        let cluster = try TestCluster(file.model, workerCount: 3)
        #expect(cluster.awaitReady(stageCount: 3))
        let running = try many.map { try TestRequest(cluster.coordinator, $0) }
        #expect(running.map { $0.finish() } == expected)
        cluster.stop()
    }

    @Test func eightBitCachesGiveTheSameBitsAtAnySplit() throws {
        var shape = TinyShape()
        (shape.layers, shape.headSize) = (4, 32)
        let file = try TestModelFile(shape: shape)
        let wide = try Coordinator.inProcess(file.model)
        let others = try requests.map { try wide.generate($0) }
        wide.stop()
        let alone = try Coordinator.inProcess(file.model, cacheType: .q8)
        let expected = try requests.map { try alone.generate($0) }
        alone.stop()
        // It is another promise than that of wide caches.
        #expect(zip(expected, others).allSatisfy { $0.logProbabilityBits != $1.logProbabilityBits })
        for workerCount in [1, 2, 3] {
            let cluster = try TestCluster(file.model, workerCount: workerCount, cacheType: .q8)
            #expect(cluster.awaitReady(stageCount: workerCount))
            let found = try requests.map { try cluster.coordinator.generate($0) }
            #expect(found == expected, "\(workerCount) workers")
            cluster.stop()
        }
    }

    /// Narrow links: the same bits as two stages without a network, alone and together.
    @Test(arguments: [WireType.f16, .q8])
    func narrowLinksGiveTheBitsOfTheirSplit(wire: WireType) throws {
        let file = try TestModelFile(layers: 4)
        let cluster = try TestCluster(file.model, workerCount: 2, wireType: wire)
        defer { cluster.stop() }
        #expect(cluster.awaitReady(stageCount: 2))
        let coordinator = cluster.coordinator
        #expect(coordinator.status().stages.map(\.layerEnd) == [2, 4])
        let many = (1...7).map { number in
            GenerationRequest.test(length: 5 + 31 * number % 97, seed: UInt64(number % 4))
        }
        let found = try many.map { try coordinator.generate($0) }
        let scorer = try Scorer(
            model: file.model, stageCount: 2, wireType: wire, windowLength: 256, threadCount: 1)
        let wide = try Scorer(
            model: file.model, stageCount: 2, wireType: .f32, windowLength: 256, threadCount: 1)
        for (request, found) in zip(many, found) {
            let (tokens, first) = (request.prompt + found.ids, request.prompt.count)
            func bits(_ scorer: Scorer) throws -> [UInt32] {
                try scorer.logProbabilities(of: tokens, from: first).map { Float($0).bitPattern }
            }
            #expect(try found.logProbabilityBits == bits(scorer))
            #expect(try found.logProbabilityBits != bits(wide))
        }
        let together = try many.map { try TestRequest(coordinator, $0) }
        #expect(together.map { $0.finish() } == found)
    }

    @Test func theRealModelGivesTheSameBits() throws {
        let model = try LoadedModel(path: TestModel.path, contextLength: 128)
        let prompt = model.served.tokenizer.encode(
            "The capital of France is", parseSpecial: false, addBeginning: false)
        var request = GenerationRequest.test(count: 48)
        request.prompt = prompt
        let alone = try Coordinator.inProcess(model, threadCount: 2)
        let expected = try alone.generate(request)
        alone.stop()
        #expect(expected.text.contains("Paris"))
        let cluster = try TestCluster(model, workerCount: 3)
        #expect(cluster.awaitReady(stageCount: 3))
        #expect(try cluster.coordinator.generate(request) == expected)
        cluster.stop()
    }
}
