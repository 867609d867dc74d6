// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
import Model
import TestSupport
import Testing

/// Plans that change under running streams: workers that leave with notice, and that join.
@Suite(.serialized)
struct DrainTests {
    private static let requests = [0, 5, 0, 7].map { GenerationRequest.test(count: 200, seed: $0) }

    /// Greedy and seeded; two run, two wait for a slot. Asked by an operator, or by the worker.
    @Test(arguments: [0, 1, 2], [true, false])
    func streamsSurviveADrain(index: Int, isAsked: Bool) throws {
        let file = try TestModelFile()
        let cluster = try TestCluster(file.model, workerCount: 0, expecting: 3, slotCount: 2)
        let workers = try (0..<3).map { _ in try cluster.addWorker() }
        #expect(cluster.awaitReady(stageCount: 3))
        let coordinator = cluster.coordinator
        let expected = try Self.requests.map { try coordinator.generate($0) }
        let running = try Self.requests.map { try TestRequest(coordinator, $0) }
        #expect(running[0].advance())
        #expect(running[1].advance())
        if isAsked {
            try coordinator.drain(worker: "w\(index)")
        } else {
            workers[index].leave()
        }
        #expect(running.map { $0.finish() } == expected)
        // It ends by itself, and is not planned for.
        #expect(workers[index].awaitEnd() == "")
        #expect(cluster.awaitReady(stageCount: 2))
        let status = coordinator.status()
        #expect(status.epoch == 2)
        #expect(!status.members.contains { $0.name == "w\(index)" })
        #expect(status.events.contains { $0.text.contains("w\(index) was released") })
        #expect(!status.events.contains { $0.text.contains("is gone") })
        cluster.stop()
    }

    /// The streams are interrupted once, when everything is there. One is begun before the oldest
    /// ends, so the cluster is never idle until the plan has changed.
    @Test func aWorkerIsTakenInUnderStreams() throws {
        let file = try TestModelFile()
        let cluster = try TestCluster(file.model, workerCount: 1)
        #expect(cluster.awaitReady(stageCount: 1))
        let coordinator = cluster.coordinator
        let expected = try Self.requests.map { try coordinator.generate($0) }
        try cluster.addWorker()
        var running = try (0..<3).map { try TestRequest(coordinator, Self.requests[$0]) }
        var (count, waitingCount) = (running.count, 0)
        func finishOldest() {
            let place = (count - running.count) % expected.count
            let oldest = running.removeFirst()
            #expect(oldest.finish() == expected[place])
            waitingCount += oldest.waitingCount
        }
        let isChanged = try eventually {
            running.append(
                try TestRequest(coordinator, Self.requests[count % Self.requests.count]))
            count += 1
            let status = coordinator.status()
            #expect(status.slotsInUse + status.waiting > 0)
            finishOldest()
            return status.epoch == 2 && status.state == "ready"
        }
        #expect(isChanged)
        while !running.isEmpty { finishOldest() }
        // Those who ran when the plan changed were told to wait.
        #expect(waitingCount > 0)
        #expect(cluster.awaitReady(stageCount: 2))
        #expect(try coordinator.generate(Self.requests[1]) == expected[1])
        #expect(coordinator.status().epoch == 2)
        cluster.stop()
    }

    @Test func whatCannotBeDrainedIsSaid() throws {
        let file = try TestModelFile()
        let cluster = try TestCluster(file.model, workerCount: 0)
        let coordinator = cluster.coordinator
        #expect(throws: DrainRefusal.unknownWorker("w0", known: [])) {
            try coordinator.drain(worker: "w0")
        }
        let worker = try cluster.addWorker()
        #expect(cluster.awaitReady(stageCount: 1))
        #expect(throws: DrainRefusal.unknownWorker("w1", known: ["w0"])) {
            try coordinator.drain(worker: "w1")
        }
        #expect(throws: DrainRefusal.lastWorker("w0")) { try coordinator.drain(worker: "w0") }
        // While nothing runs the last one may go if it wants to.
        worker.leave()
        #expect(worker.awaitEnd() == "")
        #expect(eventually { coordinator.status().state == "degraded" })
        #expect(coordinator.status().detail.contains("w0 has left"))
        cluster.stop()
    }

    /// With streams running the last worker waits for another, and then goes.
    @Test func theLastWorkerWaitsForAnother() throws {
        let file = try TestModelFile()
        let cluster = try TestCluster(file.model, workerCount: 0)
        let worker = try cluster.addWorker()
        #expect(cluster.awaitReady(stageCount: 1))
        let coordinator = cluster.coordinator
        let expected = try coordinator.generate(Self.requests[1])
        let running = try TestRequest(coordinator, Self.requests[1])
        #expect(running.advance())
        worker.leave()
        try cluster.addWorker()
        #expect(running.finish() == expected)
        #expect(worker.awaitEnd() == "")
        #expect(cluster.awaitReady(stageCount: 1))
        #expect(try coordinator.generate(Self.requests[1]) == expected)
        cluster.stop()
    }

    /// What those that stay lack can't be read from the model file any more.
    @Test func aChangedModelFileKeepsThePlan() throws {
        let file = try TestModelFile()
        let cluster = try TestCluster(file.model, workerCount: 0, expecting: 3)
        for _ in 0..<3 { try cluster.addWorker() }
        #expect(cluster.awaitReady(stageCount: 3))
        let coordinator = cluster.coordinator
        let expected = try coordinator.generate(Self.requests[0])
        try file.directory.setModified("tiny.gguf", seconds: 1)
        try coordinator.drain(worker: "w2")
        #expect(
            eventually {
                let note = coordinator.status().members.first { $0.role == "draining" }?.note
                return note?.contains("tiny.gguf has changed") == true
            })
        #expect(try coordinator.generate(Self.requests[0]) == expected)
        let status = coordinator.status()
        #expect(status.epoch == 1 && status.stages.count == 3)
        #expect(!status.events.contains { $0.text.contains("is gone") })
        cluster.stop()
    }

    /// A survivor that has no room on its disk keeps serving, and says why.
    @Test func aFullCacheKeepsThePlan() throws {
        let file = try TestModelFile()
        let blobs = file.model.blobs.all.map(\.byteCount)
        let cluster = try TestCluster(file.model, workerCount: 0, expecting: 2)
        // Room for a share, not for everything.
        try cluster.addWorker(cacheSize: blobs.reduce(0, +) * 3 / 4)
        let worker = try cluster.addWorker()
        #expect(cluster.awaitReady(stageCount: 2))
        let coordinator = cluster.coordinator
        let expected = try coordinator.generate(Self.requests[0])
        try coordinator.drain(worker: "w1")
        #expect(
            eventually {
                coordinator.status().members.contains { $0.role == "draining" && !$0.note.isEmpty }
            })
        let status = coordinator.status()
        #expect(status.state == "ready")
        #expect(status.detail.contains("w1 is draining: w0: "))
        #expect(status.epoch == 1)
        #expect(try coordinator.generate(Self.requests[0]) == expected)
        // Told to end it may: nothing runs.
        worker.leave()
        #expect(worker.awaitEnd() == "")
        cluster.stop()
    }
}
