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
    private let caches: TemporaryDirectory
    private let listener: Listener

    init() throws {
        Log.setThreshold(.error)
        caches = try TemporaryDirectory()
        listener = try Listener(
            SocketAddress(host: "127.0.0.1", port: 0), security: TestCluster.security)
    }

    /// A worker that has connected and said hello.
    private func join(
        model: String? = nil, endsWithCoordinator: Bool = true
    ) throws -> (worker: TestWorker, peer: WireClient) {
        let worker = try TestWorker(
            WorkerConfiguration(
                coordinator: listener.address,
                dataListen: SocketAddress(host: "127.0.0.1", port: 0),
                security: TestCluster.security, name: "w", cacheDirectory: caches.file("cache"),
                modelPath: model, memoryBudgetBytes: 1 << 30, threadCount: 1,
                endsWithCoordinator: endsWithCoordinator))
        return (worker, try awaitHello())
    }

    /// The next connection, over which a worker has said hello.
    private func awaitHello() throws -> WireClient {
        let stream = try #require(listener.accept(writeTimeout: TestCluster.patience))
        let peer = try WireClient(stream)
        guard case .hello(let hello)? = peer.receive()?.message else {
            Issue.record("no hello")
            return peer
        }
        #expect(hello.name == "w")
        #expect(hello.memoryBudgetBytes == 1 << 30)
        return peer
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

    /// The session ends for another reason than the link's end, which must still be seen.
    @Test func aModelFileIsWrittenToAsTheLinkEnds() throws {
        let file = try TestModelFile()
        let (worker, peer) = try join(model: file.path, endsWithCoordinator: false)
        let other = GGUFBuilder.tinyLlama(layers: 5, type: .q8_0, seed: 2)
        try file.directory.overwrite(other.bytes(), in: "tiny.gguf")
        peer.close()
        _ = try awaitHello()
        worker.stop()
        #expect(worker.awaitEnd() == "")
    }

    @Test func aChildEndsWithItsCoordinator() throws {
        let (worker, peer) = try join()
        peer.send(welcome)
        peer.close()
        #expect(worker.awaitEnd()?.contains("coordinator is gone") == true)
        worker.stop()
    }
}
