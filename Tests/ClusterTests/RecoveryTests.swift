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
    @Test(arguments: 0..<3, DelayedCluster.Loss.allCases)
    func streamsSurviveALostWorker(stage: Int, loss: DelayedCluster.Loss) throws {
        let file = try TestModelFile()
        // Greedy and seeded; two run, two wait for a slot.
        let requests = [0, 5, 0, 7].map { GenerationRequest.test(count: 200, seed: $0) }
        let alone = try Coordinator.inProcess(file.model, slotCount: 2)
        let expected = try requests.map { try alone.generate($0) }
        alone.stop()
        #expect(expected.allSatisfy { $0.ids.count == 200 && $0.error == nil })
        // Hops take a while, so that requests are under way when the worker goes.
        let cluster = try DelayedCluster(
            file.model, workerCount: 3, slotCount: 2, delay: .milliseconds(1))
        #expect(cluster.awaitReady(stageCount: 3))
        let coordinator = cluster.coordinator
        let before = coordinator.status()
        let name = before.stages[stage].worker
        let running = try requests.map { try TestRequest(coordinator, $0) }
        #expect(running[0].advance())
        #expect(running[1].advance())
        try cluster.lose(name, loss)
        #expect(running.map { $0.finish() } == expected)
        // They were under way: each that had not ended was told to wait.
        #expect(running.contains { $0.waitingCount > 0 })
        #expect(cluster.awaitReady(stageCount: 2))
        let after = coordinator.status()
        #expect(after.epoch == 2)
        #expect(after.slotsInUse == 0)
        let lacking = lackingBytes(file.model.blobs, before.stages, after.stages)
        #expect(lacking > 0)
        #expect(after.shippedBytes - before.shippedBytes == lacking)
        expectEnd(of: name, by: loss, in: coordinator)
        cluster.stop()
    }

    /// What the stages of a plan need and their workers had no use for in the plan before.
    private func lackingBytes(
        _ plan: BlobPlan, _ before: [StageStatus], _ after: [StageStatus]
    ) -> Int {
        func blobs(_ stage: StageStatus) -> [Blob] {
            plan.blobs(forLayers: stage.layerStart..<stage.layerEnd)
        }
        return after.reduce(0) { sum, stage in
            let held = Set(before.filter { $0.worker == stage.worker }.flatMap(blobs).map(\.name))
            return sum
                + blobs(stage).filter { !held.contains($0.name) }.reduce(0) { $0 + $1.byteCount }
        }
    }

    private func expectEnd(
        of name: String, by loss: DelayedCluster.Loss, in coordinator: Coordinator
    ) {
        let gone = "worker \(name) is gone: "
        func event() -> EventStatus? {
            coordinator.status().events.first { $0.text.hasPrefix(gone) }
        }
        #expect(eventually { event() != nil })
        let why = event()?.text.dropFirst(gone.count) ?? ""
        #expect(event()?.kind == (loss == .leaves ? .left : .lost))
        switch loss {
        case .leaves: #expect(why == "it left")
        // Whichever of its links is seen to end first.
        case .dies:
            #expect(["it closed the link", "its data link ended"].contains { $0 == why }, "\(why)")
        case .hangs: #expect(why.hasPrefix("nothing heard for 3"), "\(why)")
        }
    }

    /// As behind a firewall: it lives, but the stage before can't send to it any more.
    @Test(arguments: 0..<3)
    func streamsGoOnWithoutAWorkerThatNobodyReaches(stage: Int) throws {
        let file = try TestModelFile()
        let requests = [0, 5].map { GenerationRequest.test(count: 200, seed: $0) }
        let alone = try Coordinator.inProcess(file.model, slotCount: 2)
        let expected = try requests.map { try alone.generate($0) }
        alone.stop()
        let cluster = try DelayedCluster(
            file.model, workerCount: 3, slotCount: 2, delay: .milliseconds(1))
        #expect(cluster.awaitReady(stageCount: 3))
        let coordinator = cluster.coordinator
        let name = coordinator.status().stages[stage].worker
        let running = try requests.map { try TestRequest(coordinator, $0) }
        #expect(running.allSatisfy { $0.advance() })
        try cluster.closeDataPort(of: name)
        #expect(running.map { $0.finish() } == expected)
        #expect(cluster.awaitReady(stageCount: 2))
        func note() -> String {
            coordinator.status().members.first { $0.name == name }?.note ?? ""
        }
        #expect(eventually { note().contains("can't reach it at 127.0.0.1:") }, "\(note())")
        #expect(coordinator.status().stages.allSatisfy { $0.worker != name })
        #expect(try requests.map { try coordinator.generate($0) } == expected)
        cluster.stop()
    }

    /// With nobody left requests wait, old and new ones, for a worker to join.
    @Test(arguments: DelayedCluster.Loss.allCases)
    func streamsWaitForAWorkerToJoin(loss: DelayedCluster.Loss) throws {
        let file = try TestModelFile()
        let cluster = try DelayedCluster(file.model, workerCount: 1, slotCount: 4)
        #expect(cluster.awaitReady(stageCount: 1))
        let coordinator = cluster.coordinator
        let expected = try coordinator.generate(.test(count: 200, seed: 3))
        let running = try TestRequest(coordinator, .test(count: 200, seed: 3))
        #expect(running.advance())
        try cluster.lose("w0", loss)
        #expect(eventually { coordinator.status().state != "ready" })
        let waiting = try TestRequest(coordinator, .test(count: 200, seed: 3))
        if loss == .leaves {
            // It came too late to hear of the loss, and hears that it waits when its time comes.
            #expect(waiting.advance())
            #expect(waiting.waitingCount == 1)
        }
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
            let cluster = try TestCluster(
                file.model, workerCount: 0, expecting: 2, caches: caches)
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
        // Nothing of its stage is read again: its blobs are damaged by now, and one is gone, which
        // another worker may remove to have room.
        let cache = file.directory.file("cache")
        let blobs = try FileSystem.entries(of: cache).map(\.name).filter { $0.count == 64 }
        #expect(blobs.count == file.model.blobs.all.count)
        for blob in blobs {
            try file.directory.overwrite([UInt8](repeating: 0, count: 64), in: "cache/\(blob)")
        }
        let victim = cache + "/" + (blobs.last ?? "")
        #expect(eventually { FileSystem.removeUnused(victim) })
        let second = try coordinator(address)
        #expect(isReady(second))
        #expect(second.status().shippedBytes == 0)
        #expect(try second.generate(.test()) == expected)
        worker.stop()
        #expect(worker.awaitEnd() == "")
        second.stop()
    }

    /// It could be when the worker started.
    @Test func aCacheThatCannotBeWrittenEndsTheWorkerWithTheReason() throws {
        let file = try TestModelFile()
        let cluster = try TestCluster(file.model, workerCount: 0)
        let cache = file.directory.file("gone")
        let worker = try cluster.addWorker(cache: cache)
        try file.directory.removeDirectory("gone")
        try file.directory.write([], to: "gone")
        let end = try #require(worker.awaitEnd())
        #expect(end.contains("cannot write \(cache)") && end.contains("--cache"), "\(end)")
        cluster.stop()
    }

    /// Alone it can't hold the blobs of all layers; it is there again when another has come.
    @Test func aWorkerThatServedComesBackThoughItLacksRoom() throws {
        let file = try TestModelFile()
        let byteCount = file.model.blobs.all.reduce(0) { $0 + $1.byteCount }
        let cluster = try TestCluster(file.model, workerCount: 0, expecting: 2)
        try cluster.addWorker(cacheSize: byteCount * 3 / 4)
        let other = try cluster.addWorker()
        #expect(cluster.awaitReady(stageCount: 2))
        let coordinator = cluster.coordinator
        let expected = try coordinator.generate(.test())
        other.stop()
        func has(_ words: String) -> Bool {
            coordinator.status().events.contains { $0.text.contains(words) }
        }
        #expect(eventually { has("w0 is gone: ") && has("has no room") })
        try cluster.addWorker()
        #expect(
            eventually {
                let status = coordinator.status()
                return status.state == "ready" && status.members.contains { $0.name == "w0" }
            })
        #expect(try coordinator.generate(.test()) == expected)
        cluster.stop()
    }

    @Test func aModelFileThatChangedIsNoticed() throws {
        let file = try TestModelFile()
        let cluster = try TestCluster(file.model, workerCount: 0)
        // The file is written anew in place after it was hashed.
        let other = GGUFBuilder.tinyLlama(layers: 5, type: .q8_0, seed: 2)
        try file.directory.overwrite(other.bytes(), in: "tiny.gguf")
        try cluster.addWorker()
        func count(_ words: String) -> Int {
            cluster.coordinator.status().events.count { $0.text.contains(words) }
        }
        #expect(eventually { count("tiny.gguf has changed") > 0 })
        #expect(count("restart the coordinator") > 0)
        // It is there for the coordinator that will have opened the new one.
        #expect(eventually { count("worker w0 joined") > 1 })
        cluster.stop()
    }
}
