// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
import Model
import Platform
import TestSupport
import Testing

/// Workers that come, go and fail.
@Suite(.serialized)
struct RecoveryTests {
    @Test(arguments: [0, 1, 2])
    func streamsSurviveALostWorker(index: Int) throws {
        let file = try TestModelFile()
        let cluster = try TestCluster(file.model, workerCount: 0, slotCount: 2)
        let workers = try (0..<3).map { _ in try cluster.addWorker() }
        #expect(cluster.awaitReady(stageCount: 3))
        let coordinator = cluster.coordinator
        // Greedy and seeded; two run, two wait for a slot.
        let requests = [0, 5, 0, 7].map { GenerationRequest.test(count: 200, seed: $0) }
        let expected = try requests.map { try coordinator.generate($0) }
        #expect(expected.allSatisfy { $0.ids.count == 200 && $0.error == nil })
        let running = try requests.map { try TestRequest(coordinator, $0) }
        #expect(running[0].advance())
        #expect(running[1].advance())
        workers[index].stop()
        #expect(running.map { $0.finish() } == expected)
        #expect(cluster.awaitReady(stageCount: 2))
        #expect(coordinator.status().epoch == 2)
        #expect(coordinator.status().slotsInUse == 0)
        #expect(workers[index].awaitEnd() == "")
        cluster.stop()
    }

    /// With nobody left requests wait, old and new ones, for a worker to join.
    @Test func streamsWaitForAWorkerToJoin() throws {
        let file = try TestModelFile()
        let cluster = try TestCluster(file.model, workerCount: 0)
        let worker = try cluster.addWorker()
        #expect(cluster.awaitReady(stageCount: 1))
        let coordinator = cluster.coordinator
        let expected = try coordinator.generate(.test(count: 200, seed: 3))
        let running = try TestRequest(coordinator, .test(count: 200, seed: 3))
        #expect(running.advance())
        worker.stop()
        #expect(eventually { coordinator.status().state != "ready" })
        let waiting = try TestRequest(coordinator, .test(count: 200, seed: 3))
        try cluster.addWorker()
        #expect(running.finish() == expected)
        #expect(waiting.finish() == expected)
        cluster.stop()
    }

    @Test func aLateWorkerIsTakenInOnceNothingRuns() throws {
        let file = try TestModelFile()
        let cluster = try TestCluster(file.model, workerCount: 1)
        #expect(cluster.awaitReady(stageCount: 1))
        let running = try TestRequest(cluster.coordinator, .test(count: 200))
        #expect(running.advance())
        try cluster.addWorker()
        let whole = running.finish()
        #expect(whole.ids.count == 200)
        #expect(whole.error == nil)
        #expect(cluster.awaitReady(stageCount: 2))
        #expect(try cluster.coordinator.generate(.test(count: 200)) == whole)
        cluster.stop()
    }

    @Test func aWorkerWithTooLittleMemoryIsTurnedAway() throws {
        let file = try TestModelFile()
        let cluster = try TestCluster(file.model, workerCount: 1)
        let small = try cluster.addWorker(memory: 4096)
        let end = try #require(small.awaitEnd())
        #expect(end.contains("refused"))
        #expect(end.contains("--memory"))
        #expect(cluster.awaitReady(stageCount: 1))
        #expect(try cluster.coordinator.generate(.test(count: 3)).ids.count == 3)
        // It was never a member, so none was lost.
        let events = cluster.coordinator.status().events.map(\.text)
        #expect(!events.contains { $0.contains("w1") }, "\(events)")
        cluster.stop()
    }

    @Test func aSecondStartShipsNothing() throws {
        let file = try TestModelFile()
        let caches = try TemporaryDirectory()
        var shipped: [Int] = []
        for _ in 0..<2 {
            let cluster = try TestCluster(file.model, workerCount: 0, caches: caches)
            for _ in 0..<2 { try cluster.addWorker(cache: caches.file("shared")) }
            #expect(cluster.awaitReady(stageCount: 2))
            shipped.append(cluster.coordinator.status().shippedBytes)
            cluster.stop()
        }
        #expect(shipped[0] >= file.model.blobs.all.reduce(0) { $0 + $1.byteCount })
        #expect(shipped[1] == 0)
    }

    @Test func aDamagedBlobIsShippedAgain() throws {
        let file = try TestModelFile()
        let caches = try TemporaryDirectory()
        let cache = caches.file("one")
        let first = try TestCluster(file.model, workerCount: 0, caches: caches)
        try first.addWorker(cache: cache)
        #expect(first.awaitReady(stageCount: 1))
        let expected = try first.coordinator.generate(.test())
        first.stop()
        let blob = file.model.blobs.layers[2]
        var bytes = try blob.read(offset: 0, count: blob.byteCount)
        var hash = SHA256()
        hash.update(bytes)
        let name = hash.finish().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(FileSystem.exists("\(cache)/\(name)"))
        bytes[100] ^= 1
        try caches.write(bytes, to: "one/\(name)")
        let second = try TestCluster(file.model, workerCount: 0, caches: caches)
        try second.addWorker(cache: cache)
        #expect(second.awaitReady(stageCount: 1))
        #expect(second.coordinator.status().shippedBytes == blob.byteCount)
        #expect(try second.coordinator.generate(.test()) == expected)
        second.stop()
    }

    @Test func aWorkerJoinsAgainAfterTheCoordinatorRestarts() throws {
        let file = try TestModelFile()
        func coordinator(_ address: SocketAddress) throws -> Coordinator {
            try Coordinator(
                model: file.model,
                configuration: CoordinatorConfiguration(
                    placement: .workers(listen: address, localCount: 0, threadCount: 1),
                    security: TestCluster.security, contextLength: 256, slotCount: 2,
                    cacheDirectory: file.directory.file("digests")))
        }
        let isReady = { (it: Coordinator) in eventually { it.status().state == "ready" } }
        let first = try coordinator(SocketAddress(host: "127.0.0.1", port: 0))
        let address = try #require(first.workersAddress)
        let worker = try TestWorker(
            WorkerConfiguration(
                coordinator: address, dataListen: SocketAddress(host: "127.0.0.1", port: 0),
                security: TestCluster.security, name: "w",
                cacheDirectory: file.directory.file("cache"),
                memoryBudgetBytes: 1 << 30, threadCount: 1, endsWithCoordinator: false))
        #expect(isReady(first))
        let expected = try first.generate(.test())
        first.stop()
        let second = try coordinator(address)
        #expect(isReady(second))
        #expect(second.status().shippedBytes == 0)
        #expect(try second.generate(.test()) == expected)
        worker.stop()
        #expect(worker.awaitEnd() == "")
        second.stop()
    }

    @Test func aCacheThatCannotBeWrittenEndsTheWorkerWithTheReason() throws {
        let file = try TestModelFile()
        let cluster = try TestCluster(file.model, workerCount: 0)
        let cache = file.directory.file("gone")
        let worker = try cluster.addWorker(cache: cache)
        try file.directory.removeDirectory("gone")
        let end = try #require(worker.awaitEnd())
        #expect(end.contains("cannot write \(cache)"))
        cluster.stop()
    }

    @Test func aModelFileThatChangedIsNoticed() throws {
        let file = try TestModelFile()
        let cluster = try TestCluster(file.model, workerCount: 0)
        // The file is written anew in place after it was hashed.
        let other = GGUFBuilder.tinyLlama(layers: 5, type: .q8_0, seed: 2)
        try file.directory.overwrite(other.bytes(), in: "tiny.gguf")
        let worker = try cluster.addWorker()
        let end = try #require(worker.awaitEnd())
        #expect(end.contains("tiny.gguf has changed"))
        #expect(end.contains("restart the coordinator"))
        cluster.stop()
    }
}
