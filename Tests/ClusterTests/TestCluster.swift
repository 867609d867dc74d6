// SPDX-License-Identifier: Apache-2.0

import Cluster
import Platform
import TestSupport
import Testing
import Wire

/// A coordinator and its workers in this process, over loopback.
final class TestCluster {
    /// For waits that only end this way when something is broken.
    static let patience = Duration.seconds(120)
    static let memory = 1 << 30
    /// What all clusters of these tests share, unless a test is about another.
    static let token = ClusterToken()
    static let security = StreamSecurity.token(token)

    let coordinator: Coordinator
    private let caches: TemporaryDirectory
    private var workers: [TestWorker] = []

    /// Starts `workerCount` workers, each with a cache of its own inside `caches`. All of them, or
    /// `expecting` where others are to be added, are in the first plan.
    init(
        _ model: LoadedModel, workerCount: Int, expecting: Int? = nil, slotCount: Int = 4,
        contextLength: Int? = nil, kvByteCount: Int? = nil,
        wireType: WireType = .f32, cacheType: CacheType = .f16,
        caches: TemporaryDirectory? = nil, memory: Int = TestCluster.memory,
        guessCountMax: Int = ClusterLimits.guessCountMax
    ) throws {
        Log.setThreshold(.error)
        self.caches = try caches ?? TemporaryDirectory()
        let local = SocketAddress(host: "127.0.0.1", port: 0)
        coordinator = try Coordinator(
            model: model,
            configuration: CoordinatorConfiguration(
                placement: .workers(listen: local, localCount: 0, threadCount: 1),
                expectedWorkers: expecting ?? (workerCount > 0 ? workerCount : nil),
                security: Self.security, contextLength: contextLength, slotCount: slotCount,
                kvByteCount: kvByteCount, cacheDirectory: self.caches.path, wireType: wireType,
                cacheType: cacheType, guessCountMax: guessCountMax))
        for _ in 0..<workerCount { try addWorker(memory: memory) }
    }

    /// Ends everything; each worker's thread is joined.
    func stop() {
        for worker in workers { worker.stop() }
        coordinator.stop()
    }

    @discardableResult
    func addWorker(
        memory: Int = TestCluster.memory, cache: String? = nil, cacheSize: Int? = nil,
        model: String? = nil
    ) throws -> TestWorker {
        let address = try #require(coordinator.workersAddress)
        let name = "w\(workers.count)"
        let worker = try TestWorker(
            WorkerConfiguration(
                coordinator: address, dataListen: SocketAddress(host: "127.0.0.1", port: 0),
                security: Self.security, name: name, cacheDirectory: cache ?? caches.file(name),
                cacheByteCountMax: cacheSize, modelPath: model,
                memoryBudgetBytes: memory, threadCount: 1, endsWithCoordinator: false))
        workers.append(worker)
        return worker
    }

    /// Waits until `stageCount` workers serve together.
    func awaitReady(stageCount: Int) -> Bool {
        eventually {
            let status = coordinator.status()
            return status.state == "ready" && status.stages.count == stageCount
        }
    }
}

/// A worker on a thread of its own.
final class TestWorker {
    let node: WorkerNode
    private let thread: OSThread
    private let outcome = Mailbox<String>(capacity: 1)
    private var isStopped = false

    init(_ configuration: WorkerConfiguration) throws {
        node = try WorkerNode(configuration: configuration)
        thread = try OSThread(name: "worker") { [node, outcome] in
            do {
                try node.run()
                outcome.offer("")
            } catch {
                outcome.offer("\(error)")
            }
        }
    }

    func stop() {
        guard !isStopped else { return }
        isStopped = true
        node.stop()
        thread.join()
    }

    /// Asks it to go once its layers have moved.
    func leave() { node.leave() }

    /// How `run` ended: empty after a plain end, nil if it hasn't.
    func awaitEnd() -> String? { outcome.take(timeout: TestCluster.patience) }
}

/// Asks again and again until `condition` holds; false if it never does.
func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
    let never = Mailbox<Void>(capacity: 1)
    let deadline = MonotonicClock.now() + TestCluster.patience
    while try !condition() {
        guard MonotonicClock.now() < deadline else { return false }
        _ = never.take(timeout: .milliseconds(5))
    }
    return true
}
