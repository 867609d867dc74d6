// SPDX-License-Identifier: Apache-2.0

import Cluster
import Model
import Platform
import TestSupport
import Testing
import Wire

/// A coordinator that a test plays to one worker, rightly or not.
final class PlayedCoordinator {
    private let caches: TemporaryDirectory
    private let listener: Listener

    init() throws {
        Log.setThreshold(.error)
        caches = try TemporaryDirectory()
        listener = try Listener(
            SocketAddress(host: "127.0.0.1", port: 0), security: TestCluster.security)
    }

    /// A worker that has connected and said hello.
    func join(
        model: String? = nil, endsWithCoordinator: Bool = true
    ) throws -> (worker: TestWorker, peer: WireClient, hello: Hello) {
        let worker = try TestWorker(
            WorkerConfiguration(
                coordinator: listener.address,
                dataListen: SocketAddress(host: "127.0.0.1", port: 0),
                security: TestCluster.security, name: "w", cacheDirectory: caches.file("cache"),
                modelPath: model, memoryBudgetBytes: 1 << 30, threadCount: 1,
                endsWithCoordinator: endsWithCoordinator))
        let (peer, hello) = try awaitHello()
        return (worker, peer, hello)
    }

    /// The next connection over which a worker says hello.
    func awaitHello() throws -> (WireClient, Hello) {
        let peer = try accept()
        guard case .hello(let hello)? = peer.receive()?.message else {
            throw NotAsExpected()
        }
        return (peer, hello)
    }

    /// The next connection, whoever opened it.
    func accept() throws -> WireClient {
        let stream = try #require(listener.accept(writeTimeout: TestCluster.patience))
        return try WireClient(stream)
    }

    struct NotAsExpected: Error {}

    /// All layers of `model` in one stage, which sends its candidates here.
    func assignment(_ model: LoadedModel) throws -> Message {
        let parameters = model.hyperparameters
        let blobs = try model.blobs.all.map { try BlobDescription(reading: $0) }
        return .assignment(
            Assignment(
                shape: ModelShape(
                    layerCount: UInt32(parameters.layerCount),
                    embeddingLength: UInt32(parameters.embeddingLength),
                    feedForwardLength: UInt32(parameters.feedForwardLength),
                    headCount: UInt32(parameters.headCount),
                    headCountKV: UInt32(parameters.headCountKV),
                    headSize: UInt32(parameters.headSize),
                    ropeDimensionCount: UInt32(parameters.ropeDimensionCount),
                    vocabularySize: UInt32(parameters.vocabularySize),
                    contextLength: UInt32(parameters.contextLength),
                    ropeBase: parameters.ropeBase, ropeScale: parameters.ropeScale,
                    rmsEpsilon: parameters.rmsEpsilon),
                stage: 0, stageCount: 1, layerStart: 0, layerEnd: UInt32(parameters.layerCount),
                slotCount: 1, contextLength: 256, rowCountMax: 512, wireType: .f32, pageCount: 4,
                pagePositionCount: 64, cacheType: .f16, nextAddress: "",
                blobs: blobs))
    }
}

extension BlobDescription {
    fileprivate init(reading blob: Blob) throws {
        self.init(
            digest: try #require(BlobDigest(try blob.digest())), byteCount: UInt64(blob.byteCount),
            tensors: blob.entries.map { entry in
                TensorDescription(
                    name: entry.tensor.name, type: entry.tensor.type.rawValue,
                    shape: entry.tensor.shape.map(UInt64.init), offset: UInt64(entry.offset))
            })
    }
}
