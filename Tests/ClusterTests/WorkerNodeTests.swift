// SPDX-License-Identifier: Apache-2.0

import Cluster
import Model
import Platform
import TestSupport
import Testing
import Wire

/// A worker against a coordinator that this test plays, rightly or not.
@Suite(.serialized)
struct WorkerNodeTests {
    private let coordinator: PlayedCoordinator

    init() throws { coordinator = try PlayedCoordinator() }

    private func join(
        model: String? = nil, endsWithCoordinator: Bool = true
    ) throws -> (worker: TestWorker, peer: WireClient) {
        let (worker, peer, hello) = try coordinator.join(
            model: model, endsWithCoordinator: endsWithCoordinator)
        #expect(hello.name == "w")
        #expect(hello.memoryBudgetBytes == 1 << 30)
        return (worker, peer)
    }

    private func assignment(slotCount: UInt32, contextLength: UInt32) -> Message {
        let shape = ModelShape(
            layerCount: 4096, embeddingLength: 65_536, feedForwardLength: 1, headCount: 4096,
            headCountKV: 4096, headSize: 4096, ropeDimensionCount: 2, vocabularySize: 1,
            contextLength: 1, ropeBase: 1, ropeScale: 1, rmsEpsilon: 0)
        return .assignment(
            Assignment(
                shape: shape, stage: 0, stageCount: 1, layerStart: 0, layerEnd: 4096,
                slotCount: slotCount, contextLength: contextLength, rowCountMax: 512,
                wireType: .f32, pageCount: slotCount * 256, pagePositionCount: 64, cacheType: .f16,
                nextAddress: "127.0.0.1:1", blobs: []))
    }

    private let welcome = Message.welcome(Welcome(protocolVersion: 1, heartbeatMilliseconds: 1))

    @Test func heartbeatsAscendAndMeasureTheRoundTrip() throws {
        let (worker, peer) = try join()
        peer.send(welcome)
        var expected: UInt64 = 1
        var roundTrip: UInt32 = 0
        while roundTrip == 0, expected < 10_000 {
            guard let frame = peer.receive(), case .heartbeat(let beat) = frame.message else {
                Issue.record("no heartbeat \(expected)")
                break
            }
            #expect(frame.id == expected)
            expected += 1
            roundTrip = beat.roundTripMicroseconds
            peer.send(.heartbeat(beat), id: frame.id)
        }
        #expect(roundTrip > 0)
        worker.stop()
        #expect(worker.awaitEnd() == "")
    }

    @Test func assignmentsThatCannotBeAreRefused() throws {
        for (slots, context) in [(65_536, 16_777_216), (1, 1)] as [(UInt32, UInt32)] {
            let (worker, peer) = try join()
            peer.send(welcome)
            peer.send(assignment(slotCount: slots, contextLength: context), epoch: 1)
            #expect(peer.awaitError() == .loadFailed)
            #expect(worker.awaitEnd()?.contains("cannot load its stage") == true)
            worker.stop()
        }
    }

    @Test func framesOutOfTurnAreRefused() throws {
        let digest = try #require(BlobDigest([UInt8](repeating: 0, count: 32)))
        let chunk = Message.blobChunk(BlobChunk(digest: digest, offset: 0, bytes: [1]))
        for messages in [
            [welcome, welcome], [chunk], [assignment(slotCount: 1, contextLength: 1)],
            [welcome, .hello(.test())], [welcome, .step(Step(rows: []))],
        ] {
            let (worker, peer) = try join()
            for message in messages { peer.send(message, epoch: 1) }
            #expect(peer.awaitError() == .unexpectedFrame)
            worker.stop()
        }
    }

    @Test func whatARefusingCoordinatorSaysIsTheWorkersLastWord() throws {
        let (worker, peer) = try join()
        peer.send(.error(ErrorNotice(code: .refused, message: "too small")))
        #expect(worker.awaitEnd()?.contains("too small") == true)
        worker.stop()
    }

    /// What a file holds that was written to is shipped, as if it had never been there.
    @Test func aModelFileThatWasWrittenToIsNotLoaded() throws {
        let file = try TestModelFile()
        let assignment = try coordinator.assignment(file.model)
        let (worker, peer) = try join(model: file.path)
        let other = GGUFBuilder.tinyLlama(layers: 5, type: .q8_0, seed: 2)
        try file.directory.overwrite(other.bytes(), in: "tiny.gguf")
        peer.send(welcome)
        peer.send(assignment, epoch: 1)
        var requestCount = 0
        let blobCount = file.model.blobs.all.count
        while requestCount < blobCount, let message = peer.receive()?.message {
            if case .blobRequest = message { requestCount += 1 }
            if case .error(let notice) = message { Issue.record("\(notice.message)") }
        }
        #expect(requestCount == blobCount)
        worker.stop()
        #expect(worker.awaitEnd() == "")
    }

    /// Nobody depends on it yet; a word makes it no loss.
    @Test func aWorkerToldToLeaveWhileItsStageComesSaysGoodbye() throws {
        let file = try TestModelFile()
        let (worker, peer) = try join(endsWithCoordinator: false)
        peer.send(welcome)
        peer.send(try coordinator.assignment(file.model), epoch: 1)
        var isLeaving = false
        var words: [Message] = []
        while let message = peer.receive()?.message {
            switch message {
            case .blobRequest where !isLeaving:
                isLeaving = true
                worker.leave()
            case .bye, .drain: words.append(message)
            default: break
            }
        }
        #expect(words == [.bye])
        #expect(worker.awaitEnd() == "")
        worker.stop()
    }

    /// What waits when a newer plan is heard of is not computed: it would keep that waiting.
    @Test func stepsOfAPlanThatIsOverAreDropped() throws {
        let file = try TestModelFile()
        let (worker, peer, hello) = try coordinator.join(model: file.path)
        peer.send(welcome)
        peer.send(try coordinator.assignment(file.model), epoch: 1)
        let results = try coordinator.accept()
        guard case .dataHello? = results.receive()?.message else {
            Issue.record("no dataHello")
            return
        }
        let data = try WireClient(try #require(SocketAddress(hello.dataAddress)))
        let fromHere = DataHello(
            protocolVersion: 1, node: NodeID(high: 1, low: 1),
            fromStage: DataHello.coordinatorStage)
        data.send(.dataHello(fromHere), epoch: 1)
        // Far more than are computed while one more frame comes.
        let stepCount = 400
        let rows = (0..<256).map {
            Row(slot: 0, position: $0, token: $0 % 250, want: .nothing)
        }
        for id in 1...stepCount {
            data.send(.step(Step(edits: [.release(slot: 0)], rows: rows)), epoch: 1, id: UInt64(id))
        }
        peer.send(.spare, epoch: 2)
        var answerCount = 0
        while case .candidates? = results.receive()?.message { answerCount += 1 }
        #expect(answerCount < stepCount)
        worker.stop()
        #expect(worker.awaitEnd() == "")
    }

    /// Its process is ended when its coordinator's has: a link alone may end otherwise.
    @Test func aChildWhoseLinkIsLostJoinsAgain() throws {
        let (worker, peer) = try join()
        peer.send(welcome)
        peer.close()
        let (again, hello) = try coordinator.awaitHello()
        #expect(hello.name == "w")
        again.send(welcome)
        worker.stop()
        #expect(worker.awaitEnd() == "")
    }
}
