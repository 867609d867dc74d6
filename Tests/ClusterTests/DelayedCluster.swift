// SPDX-License-Identifier: Apache-2.0

import Cluster
import Platform
import Synchronization
import TestSupport
import Wire

/// A coordinator and its workers, between whom everything takes time.
///
/// The links are in plaintext: what they say of addresses is changed on its way, so that data
/// links go through delay proxies too.
final class DelayedCluster {
    let coordinator: Coordinator
    private let network: DelayedNetwork
    private let caches: TemporaryDirectory
    private var workers: [TestWorker] = []

    init(
        _ model: LoadedModel, workerCount: Int, slotCount: Int, delay: Duration
    ) throws {
        Log.setThreshold(.error)
        caches = try TemporaryDirectory()
        let local = SocketAddress(host: "127.0.0.1", port: 0)
        coordinator = try Coordinator(
            model: model,
            configuration: CoordinatorConfiguration(
                placement: .workers(listen: local, localCount: 0, threadCount: 1),
                security: .plaintext, contextLength: model.served.contextLength,
                slotCount: slotCount, cacheDirectory: caches.path))
        network = DelayedNetwork(delay)
        guard let address = coordinator.workersAddress.flatMap(network.front) else { return }
        for number in 0..<workerCount {
            workers.append(
                try TestWorker(
                    WorkerConfiguration(
                        coordinator: address, dataListen: local, security: .plaintext,
                        name: "w\(number)", cacheDirectory: caches.file("w\(number)"),
                        memoryBudgetBytes: 1 << 30, threadCount: 1, endsWithCoordinator: false)))
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
    private let delay: Duration
    private let proxies = Mutex<[SocketAddress: DelayProxy]>([:])

    init(_ delay: Duration) { self.delay = delay }

    func stop() {
        let all = proxies.withLock { proxies in
            defer { proxies = [:] }
            return Array(proxies.values)
        }
        for proxy in all { proxy.stop() }
    }

    /// Where `address` is reached through the network; nil if there is no port left.
    func front(_ address: SocketAddress) -> SocketAddress? {
        proxies.withLock { proxies in
            if proxies.values.contains(where: { $0.address == address }) { return address }
            if let proxy = proxies[address] { return proxy.address }
            let proxy = try? DelayProxy(before: address, delay: delay) { [self] _ in
                let frames = PassingFrames { self.readdressed($0) }
                return { frames.pass($0) }
            }
            proxies[address] = proxy
            return proxy?.address
        }
    }

    private func front(_ text: String) -> String {
        SocketAddress(text).flatMap(front)?.description ?? text
    }

    /// `message` with addresses in the network; nil if it has none.
    private func readdressed(_ message: Message) -> Message? {
        switch message {
        case .hello(var hello):
            hello.dataAddress = front(hello.dataAddress)
            return .hello(hello)
        case .assignment(var assignment):
            assignment.nextAddress = front(assignment.nextAddress)
            return .assignment(assignment)
        case .preparation(var assignment):
            assignment.nextAddress = front(assignment.nextAddress)
            return .preparation(assignment)
        case .welcome, .blobRequest, .blobChunk, .ready, .heartbeat, .error, .bye, .dataHello,
            .step, .candidates, .drain, .prepared, .spare, .released, .probe, .probeAnswer:
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
