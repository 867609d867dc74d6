// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
import Model
import Platform
import Testing

/// KV caches with fewer pages than all sequences together could fill, and pages that they share.
@Suite(.serialized)
struct PagesTests {
    private let file: TestModelFile

    init() throws { file = try TestModelFile() }

    /// The bytes of `count` pages in all of the model's layers.
    private func bytes(ofPages count: Int) throws -> Int {
        let numbers = file.model.hyperparameters
        // Keys and values of 64 positions as f16, in whole pages of memory for each layer.
        let layer = 64 * numbers.headCountKV * numbers.headSize * 2 * 2
        return (layer + 4095) / 4096 * 4096 * numbers.layerCount * count
    }

    private func cluster(
        slots: Int, pages: Int? = nil, context: Int? = nil
    ) throws -> TestCluster {
        let cluster = try TestCluster(
            file.model, workerCount: 2, slotCount: slots, contextLength: context,
            kvByteCount: try pages.map(bytes))
        #expect(cluster.awaitReady(stageCount: 2))
        return cluster
    }

    // MARK: Pages that run out

    /// Four sequences of four pages each share six: greedy and drawn, they get the tokens they
    /// have alone.
    @Test func preemptedStreamsResumeWithTheSameTokens() throws {
        let cluster = try cluster(slots: 4, pages: 6)
        let coordinator = cluster.coordinator
        #expect(coordinator.status().pageCount == 6)
        let requests = [0, 3, 5, 8].map { GenerationRequest.test(count: 200, seed: $0) }
        let alone = try requests.map { try coordinator.generate($0) }
        #expect(alone.allSatisfy { $0.ids.count == 200 && $0.reason == .length })
        #expect(coordinator.status().preemptions == 0)
        let together = try requests.map { try TestRequest(coordinator, $0) }
        #expect(together.map { $0.finish() } == alone)
        let status = coordinator.status()
        #expect(status.preemptions > 0)
        #expect(status.slotsInUse == 0)
        #expect(status.pagesInUse == status.pagesKept)
        cluster.stop()
    }

    @Test func aSequenceThatIsAloneEndsWithTheLastPage() throws {
        let cluster = try cluster(slots: 2, pages: 2)
        let coordinator = cluster.coordinator
        #expect(coordinator.status().contextLength == 128)
        for asked in [nil, 28, 29, Int.max] {
            var request = GenerationRequest.test(length: 100)
            request.tokenCountMax = asked
            let result = try coordinator.generate(request)
            #expect(result.reason == .length)
            #expect(result.ids.count == 28)
        }
        cluster.stop()
    }

    @Test func promptsThatNoPagesCouldHoldAreRefused() throws {
        let cluster = try cluster(slots: 2, pages: 2)
        let coordinator = cluster.coordinator
        #expect(throws: GenerationError.promptTooLong(tokens: 128, contextLength: 128)) {
            try coordinator.generate(.test(length: 128, count: 1))
        }
        cluster.stop()
    }

    @Test func memoryForLessThanTheContextIsRefusedAtOnce() throws {
        #expect(throws: PageDemandError.self) { try cluster(slots: 2, pages: 2, context: 200) }
        #expect(throws: PageDemandError.self) { try cluster(slots: 2, pages: 0) }
    }

    /// Workers that have room for the weights and little more give fewer pages than wanted.
    @Test func workersShortOfMemoryGiveFewerPages() throws {
        let cluster = try TestCluster(file.model, workerCount: 0, slotCount: 64)
        try cluster.addWorker(memory: 4 << 20)
        #expect(cluster.awaitReady(stageCount: 1))
        let status = cluster.coordinator.status()
        #expect((1..<256).contains(status.pageCount), "\(status.pageCount)")
        #expect(status.stages.allSatisfy { $0.memoryBudgetBytes == 4 << 20 })
        cluster.stop()
    }

    // MARK: Choices

    /// The prompt's rows are computed once, whatever the number of choices.
    @Test(arguments: [37, 64, 150])
    func choicesComputeThePromptOnce(length: Int) throws {
        let separate = try cluster(slots: 1)
        let choices = (1...3 as ClosedRange<UInt64>).map { seed in
            var request = GenerationRequest.test(length: length)
            request.sampling.temperature = 0.9
            request.sampling.seed = seed
            return request
        }
        let expected = try choices.map { try separate.coordinator.generate($0) }
        #expect(Set(expected.map(\.ids)).count == 3)
        separate.stop()

        let cluster = try cluster(slots: 3)
        let coordinator = cluster.coordinator
        #expect(try coordinator.generate(choices: choices) == expected)
        // Where the prompt fills its last page each computes the last row again.
        #expect(coordinator.status().promptTokens == length + (length % 64 == 0 ? 2 : 0))
        cluster.stop()
    }

    /// More choices than slots: the last ones share what whole pages there are.
    @Test func choicesBeyondTheSlotsHaveTheSameTokens() throws {
        let choices = (1...5).map { GenerationRequest.test(length: 70, count: 12, seed: $0) }
            .map { request in
                var choice = request
                choice.prompt = GenerationRequest.test(length: 70).prompt
                return choice
            }
        let cluster = try cluster(slots: 2)
        let expected = try choices.map { try cluster.coordinator.generate($0) }
        #expect(try cluster.coordinator.generate(choices: choices) == expected)
        cluster.stop()
    }

    @Test func allChoicesAreTakenOrNone() throws {
        let cluster = try cluster(slots: 1)
        let coordinator = cluster.coordinator
        let many = (0...ClusterLimits.queueMax + 1).map { _ in GenerationRequest.test() }
        #expect(throws: GenerationError.self) { try coordinator.submit(many) { _, _ in } }
        #expect(coordinator.status().waiting == 0)
        #expect(coordinator.status().slotsInUse == 0)
        #expect(try coordinator.generate(.test(count: 3)).ids.count == 3)
        cluster.stop()
    }
}
