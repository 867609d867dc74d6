// SPDX-License-Identifier: Apache-2.0

import Cluster
import Platform
import Synchronization
import TestSupport
import Testing
import Wire

/// A coordinator and its workers, between whom everything takes time and links fail.
///
/// The links are in plaintext: what they say of addresses is changed on its way, so that data
/// links go through delay proxies too.
final class DelayedCluster {
    /// How the others lose a worker.
    enum Loss: CaseIterable, Sendable {
        /// It is told to end, and says goodbye.
        case leaves
        /// All its links end at once, as where the process is killed.
        case dies
        /// All its links fall silent, as where the process is stopped.
        case hangs
    }

    let coordinator: Coordinator
    private let network: DelayedNetwork
    private let caches: TemporaryDirectory
    private var workers: [TestWorker] = []

    init(
        _ model: LoadedModel, workerCount: Int, slotCount: Int, delay: Duration = .zero,
        wireType: WireType = .f32, memory: Int = 1 << 30
    ) throws {
        Log.setThreshold(.error)
        caches = try TemporaryDirectory()
        coordinator = try Coordinator(
            model: model,
            configuration: CoordinatorConfiguration(
                placement: .workers(
                    listen: SocketAddress(host: "127.0.0.1", port: 0), localCount: 0,
                    threadCount: 1),
                expectedWorkers: workerCount, security: .plaintext,
                contextLength: model.served.contextLength,
                slotCount: slotCount, cacheDirectory: caches.path, wireType: wireType))
        network = DelayedNetwork(delay)
        for _ in 0..<workerCount { try addWorker(memory: memory) }
    }

    /// Workers are called `w0`, `w1` and so on.
    func addWorker(memory: Int = 1 << 30) throws {
        let number = workers.count
        let address = try #require(
            coordinator.workersAddress.flatMap { network.front($0, of: number) })
        workers.append(
            try TestWorker(
                WorkerConfiguration(
                    coordinator: address, dataListen: SocketAddress(host: "127.0.0.1", port: 0),
                    security: .plaintext, name: "w\(number)",
                    cacheDirectory: caches.file("w\(number)"), memoryBudgetBytes: memory,
                    threadCount: 1, endsWithCoordinator: false)))
    }

    /// Takes the worker of this name away from the others.
    func lose(_ name: String, _ loss: Loss) throws {
        let number = try #require(Int(name.dropFirst()))
        switch loss {
        case .leaves:
            workers[number].stop()
            #expect(workers[number].awaitEnd() == "")
        case .dies: network.cut(worker: number)
        case .hangs: network.freeze(worker: number)
        }
    }

    /// From now on nobody reaches the data address of the worker of this name, which lives on.
    func closeDataPort(of name: String) throws {
        let coordinator = try #require(coordinator.workersAddress)
        network.cut(worker: try #require(Int(name.dropFirst())), except: coordinator)
    }

    /// Waits until `stageCount` workers serve together.
    func awaitReady(stageCount: Int) -> Bool {
        eventually {
            let status = coordinator.status()
            return status.state == "ready" && status.stages.count == stageCount
        }
    }

    func stop() {
        for worker in workers { worker.stop() }
        coordinator.stop()
        network.stop()
    }
}

/// A delay proxy in front of every address that is asked for.
private final class DelayedNetwork: Sendable {
    /// A worker's way to an address, or the others' way to one of its own.
    private struct Route: Hashable {
        let address: SocketAddress
        let worker: Int
    }

    private let delay: Duration
    private let proxies = Mutex<[Route: DelayProxy]>([:])

    init(_ delay: Duration) { self.delay = delay }

    func stop() {
        let all = proxies.withLock { proxies in
            defer { proxies = [:] }
            return Array(proxies.values)
        }
        for proxy in all { proxy.stop() }
    }

    func cut(worker: Int) { for proxy in proxies(of: worker) { proxy.cut() } }

    /// All ways but those to an address.
    func cut(worker: Int, except address: SocketAddress) {
        let routes = proxies.withLock { $0.filter { $0.key.worker == worker } }
        for (route, proxy) in routes where route.address != address { proxy.cut() }
    }

    func freeze(worker: Int) { for proxy in proxies(of: worker) { proxy.freeze() } }

    private func proxies(of worker: Int) -> [DelayProxy] {
        proxies.withLock { $0.filter { $0.key.worker == worker }.map(\.value) }
    }

    /// Where `address` is reached by a worker, or by others if it is the worker's own; nil if there
    /// is no port left.
    func front(_ address: SocketAddress, of worker: Int) -> SocketAddress? {
        proxies.withLock { proxies in
            if proxies.values.contains(where: { $0.address == address }) { return address }
            let route = Route(address: address, worker: worker)
            if let proxy = proxies[route] { return proxy.address }
            let proxy = try? DelayProxy(before: address, delay: delay) { [self] _ in
                let frames = PassingFrames { self.readdressed($0, of: worker) }
                return { frames.pass($0) }
            }
            proxies[route] = proxy
            return proxy?.address
        }
    }

    private func front(_ text: String, of worker: Int) -> String {
        SocketAddress(text).flatMap { front($0, of: worker) }?.description ?? text
    }

    /// `message` with addresses in the network; nil if it has none.
    private func readdressed(_ message: Message, of worker: Int) -> Message? {
        switch message {
        case .hello(var hello):
            hello.dataAddress = front(hello.dataAddress, of: worker)
            return .hello(hello)
        case .assignment(var assignment):
            assignment.nextAddress = front(assignment.nextAddress, of: worker)
            return .assignment(assignment)
        case .preparation(var assignment):
            assignment.nextAddress = front(assignment.nextAddress, of: worker)
            return .preparation(assignment)
        case .welcome, .blobRequest, .blobChunk, .ready, .heartbeat, .error, .bye, .dataHello,
            .step, .candidates, .drain, .prepared, .spare, .released, .stranded, .probe,
            .probeAnswer:
            return nil
        }
    }
}

/// The frames of one direction of a link, of which some are changed.
private final class PassingFrames: Sendable {
    private let change: @Sendable (Message) -> Message?
    /// What has come of a frame that is not whole yet.
    private let rest = Mutex<[UInt8]>([])

    init(change: @escaping @Sendable (Message) -> Message?) { self.change = change }

    /// The frames that `piece` completes. What is no frame is passed on as it is.
    func pass(_ piece: [UInt8]) -> [UInt8] {
        rest.withLock { rest in
            rest += piece
            var passed: [UInt8] = []
            while rest.count >= Limits.headerBytes {
                let head = Array(rest[..<Limits.headerBytes])
                guard let header = try? FrameHeader(decoding: head) else { break }
                let end = Limits.headerBytes + header.payloadLength
                guard rest.count >= end else { return passed }
                passed += whole(header, Array(rest[..<end]))
                rest.removeFirst(end)
            }
            guard rest.count >= Limits.headerBytes else { return passed }
            defer { rest = [] }
            return passed + rest
        }
    }

    private func whole(_ header: FrameHeader, _ bytes: [UInt8]) -> [UInt8] {
        guard header.kind == .hello || header.kind == .assignment,
            var frame = try? Frame(
                header: header, payload: Array(bytes[Limits.headerBytes...])),
            let message = change(frame.message)
        else { return bytes }
        frame.message = message
        return frame.encoded()
    }
}
