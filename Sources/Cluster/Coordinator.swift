// SPDX-License-Identifier: Apache-2.0

package import Control
import Engine
import Model
package import Platform
import Wire

/// Serves one model: owns the scheduler's thread and the place where layers are computed.
package final class Coordinator: TextGenerator {
    package let model: ServedModel
    /// Where workers join; nil for an in-process stage.
    package let workersAddress: SocketAddress?
    private let events: Mailbox<CoordinatorEvent>
    private let thread: OSThread

    /// Starts to load or to wait for workers; `awaitReady` tells when that is done.
    ///
    /// Throws what is wrong with the model file, the port or the local workers at once. For workers
    /// the model file is hashed first, if it never was: that takes minutes where it is large, and
    /// ends with `HashingStopped` soon after `isStopped` says so. `onFailure` hears, from another
    /// thread, that nothing can be computed any more.
    package init(
        model: LoadedModel, configuration: CoordinatorConfiguration,
        onFailure: @escaping @Sendable (GenerationError) -> Void = { _ in },
        unless isStopped: @escaping @Sendable () -> Bool = { false }
    ) throws {
        let events = Mailbox<CoordinatorEvent>(capacity: ClusterLimits.eventsMax)
        let post: @Sendable (BackendEvent) -> Void = { events.post(.backend($0)) }
        let pages = try PageDemand(model, configuration)
        let makeBackend: () throws -> (any StepBackend, SocketAddress?) = {
            switch configuration.placement {
            case .inProcess(let threadCount):
                let tensors = model.tensors
                let stage = try LocalRoom.fitted(
                    StageConfiguration(
                        model, configuration, pages: pages,
                        layers: 0..<model.hyperparameters.layerCount, threadCount: threadCount),
                    tensors: tensors, pages: pages)
                let backend = try LocalBackend(configuration: stage, tensors: tensors, post: post)
                return (backend, nil)
            case .workers(let listen, let localCount, let threadCount):
                let catalog = try BlobCatalog(
                    model.blobs, indexDirectory: configuration.cacheDirectory,
                    threadCount: OSThread.allowedCPUs().count, unless: isStopped)
                let backend = try ClusterBackend(
                    model: model, catalog: catalog, configuration: configuration, pages: pages,
                    listen: listen, localCount: localCount, threadCount: threadCount, post: post)
                return (backend, backend.workersAddress)
            }
        }
        let (backend, address) = try makeBackend()
        let handover = Handover(
            CoordinatorLoop(
                model: model, backend: backend, pages: pages,
                prefillChunk: configuration.prefillChunk,
                guessCountMax: configuration.guessCountMax, onFailure: onFailure))
        self.model = model.served
        self.events = events
        workersAddress = address
        do throws(ThreadError) {
            thread = try OSThread(name: "coordinator") { handover.take()?.run(events) }
        } catch {
            events.close()
            backend.stop()
            throw error
        }
    }

    /// How waiting for the first plan ended.
    package enum Readiness: Sendable {
        case ready
        /// It will never be ready.
        case failed(GenerationError)
        case stopped
    }

    /// Waits until requests can be computed, `isStopped` says so, or that will never be; shows the
    /// status meanwhile.
    package func awaitReady(
        until isStopped: () -> Bool, progress: (ClusterStatus) -> Void
    ) -> Readiness {
        let reply = Mailbox<GenerationError?>(capacity: 1)
        guard events.post(.awaitReady(reply: reply)) else { return .stopped }
        while !isStopped() {
            if let answer = reply.take(timeout: ClusterLimits.tickInterval) {
                return answer.map { .failed($0) } ?? .ready
            }
            progress(status())
        }
        return .stopped
    }

    package func submit(
        _ requests: [GenerationRequest],
        _ deliver: @escaping @Sendable (Int, GenerationEvent) -> Void
    ) throws(GenerationError) -> [RequestID] {
        let reply = Mailbox<Result<[RequestID], GenerationError>>(capacity: 1)
        guard events.post(.submit(requests, deliver: deliver, reply: reply)),
            let result = takeReply(reply)
        else { throw .shuttingDown }
        return try result.get()
    }

    package func cancel(_ id: RequestID) { events.post(.cancel(id)) }

    package func status() -> ClusterStatus {
        let reply = Mailbox<ClusterStatus>(capacity: 1)
        guard events.post(.status(reply: reply)), let status = takeReply(reply) else {
            var status = ClusterStatus(
                model: model.name, contextLength: model.contextLength, layerCount: 0)
            status.state = "stopping"
            return status
        }
        return status
    }

    package func drain(worker: String) throws(DrainRefusal) {
        let reply = Mailbox<Result<Void, DrainRefusal>>(capacity: 1)
        guard events.post(.drain(worker: worker, reply: reply)), let result = takeReply(reply)
        else { throw .shuttingDown }
        try result.get()
    }

    /// Fails what is running, ends workers it started and joins every thread. Call once.
    package func stop() {
        events.post(.stop)
        thread.join()
        events.close()
    }

    /// The coordinator's answer, or nil when it ends before giving one.
    private func takeReply<Reply: Sendable>(_ reply: Mailbox<Reply>) -> Reply? {
        while !events.isClosed {
            if let value = reply.take(timeout: ClusterLimits.heartbeatInterval) { return value }
        }
        return reply.take(timeout: .zero)
    }
}

/// Carries a value that is not Sendable to the one thread that will own it.
private final class Handover<Value>: @unchecked Sendable {
    // Safe because `take` is called once, by the thread that owns the value from then on, and the
    // thread's start orders everything done to the value before.
    private var value: Value?

    init(_ value: Value) { self.value = value }

    func take() -> Value? {
        defer { value = nil }
        return value
    }
}
