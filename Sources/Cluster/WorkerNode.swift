// SPDX-License-Identifier: Apache-2.0

import Engine
import Platform
import Synchronization
import Wire

/// A worker process: joins a coordinator, loads the stage it is given and runs its steps.
///
/// All decisions fall on the thread that calls `run`; links only put events into its mailbox.
package final class WorkerNode: Sendable {
    enum Event: Sendable {
        case control(Link, Link.Event)
        case data(Link, Link.Event)
        /// The link to the next stage; it only ever ends.
        case next(Link, Link.Event)
        /// A preparation has ended.
        case prepared
        /// To end when the layers here have moved.
        case leave
        case stop
    }

    private let configuration: WorkerConfiguration
    private let cache: BlobCache
    private let acceptor: Acceptor
    /// Where the acceptor listens: a number, so that nobody else has to look a name up.
    private let dataAddress: SocketAddress
    private let events: Mailbox<Event>
    private let node: NodeID
    private let isa: String
    private let dataTraffic = ByteTally()
    private let loads = LoadWatch()
    /// Whether the worker is to end: what it does before it joins stops then.
    private let isEnding = Mutex(false)

    /// Opens the data port and the cache. Throws `SocketError`, `ShippingError`, `EngineError` or
    /// `ThreadError`.
    package init(configuration: WorkerConfiguration) throws {
        let events = Mailbox<Event>(capacity: ClusterLimits.eventsMax)
        self.configuration = configuration
        self.events = events
        isa = try KernelISA.selected().rawValue
        let cache = BlobCache(
            directory: configuration.cacheDirectory, byteCountMax: configuration.cacheByteCountMax)
        // Without a model file it will need the cache: better said before it is planned for.
        if configuration.modelPath == nil { try cache.prepare() }
        self.cache = cache
        let listener = try Listener(configuration.dataListen, security: configuration.security)
        dataAddress = listener.numericAddress
        acceptor = try Acceptor(listener: listener, tally: dataTraffic) { link, event in
            events.post(.data(link, event))
        }
        node = NodeID(high: Randomness.word(), low: Randomness.word())
    }

    /// Ends `run` soon, from any thread.
    package func stop() {
        isEnding.withLock { $0 = true }
        loads.stop()
        acceptor.beginStopping()
        events.post(.stop)
    }

    /// Ends `run` once the layers here have moved to other workers, or after
    /// `ClusterLimits.leavePatience`; soon where there is nobody to ask, or no stage runs yet.
    package func leave() {
        isEnding.withLock { $0 = true }
        loads.leave()
        events.post(.leave)
    }

    /// Serves until it is told to end or released. Throws `WorkerError` when the coordinator
    /// refuses or stays away, `ModelFileError` or `FileError` for a model file of its own.
    package func run() throws {
        defer {
            events.close()
            acceptor.stop()
        }
        var model: LocalModel?
        do { model = try openModel() } catch is HashingStopped { return }
        let speed = measuredSpeed()
        var counters = StageCounters()
        var hasBeenWelcome = false
        var hasBeenReady = false
        var kept: KeptStage?
        var hindrances = DoublingPause(
            from: ClusterLimits.hindrancePause, to: ClusterLimits.hindrancePauseMax)
        while let link = try joinLink(
            patience: hasBeenWelcome ? nil : ClusterLimits.joinPatience, meanwhile: &kept)
        {
            let session = WorkerSession(
                configuration: configuration, cache: cache, model: model, control: link,
                events: events, hello: hello(speed, on: link), counters: counters,
                dataTraffic: dataTraffic, loads: loads, hasBeenReady: hasBeenReady, kept: kept)
            // The session's alone, which may let go of it.
            kept = nil
            let end = session.run()
            session.close()
            counters = session.pastCounters
            hasBeenWelcome = hasBeenWelcome || session.isWelcome
            hasBeenReady = session.hasBeenReady
            guard !session.isStopped, session.leavingSince == nil else { return }
            model = session.model
            kept = session.kept
            guard let pause = try pause(after: end, &hindrances), !isStopped(within: pause)
            else { return }
        }
    }

    /// How long to wait before joining again; nil to end. Throws what would happen again.
    private func pause(
        after end: WorkerSession.End, _ hindrances: inout DoublingPause
    ) throws -> Duration? {
        switch end {
        case .stopped: return nil
        case .refused(let reason): throw WorkerError.refused(reason)
        case .failed(let reason): throw WorkerError.cannotLoad(reason)
        case .lost(let reason):
            let text = "the link to the coordinator ended (\(reason)); joining again"
            // A child whose coordinator has really gone is about to be ended, which says enough.
            if configuration.endsWithCoordinator { Log.info(text) } else { Log.warning(text) }
        case .broken(let reason): Log.warning("left the cluster (\(reason)); joining again")
        case .hindered(let reason):
            let pause = hindrances.next()
            Log.warning("\(reason); joining again in \(pause.components.seconds) s")
            return pause
        }
        // Never at once: a coordinator that turns everyone away would be joined in a loop.
        return ClusterLimits.joinRetryInterval
    }

    /// The worker's own model file, if it has one.
    private func openModel() throws -> LocalModel? {
        try configuration.modelPath.map {
            try LocalModel(
                path: $0, cacheDirectory: configuration.cacheDirectory,
                threadCount: configuration.threadCount, unless: { self.isEnding.withLock { $0 } })
        }
    }

    /// Connects to the coordinator, trying again for `patience`; nil when told to stop. A
    /// coordinator with another token is not tried again. What is `kept` may not stay for ever.
    private func joinLink(
        patience: Duration?, meanwhile kept: inout KeptStage?
    ) throws -> Link? {
        var pauses = JoinPauses(patience: patience, now: MonotonicClock.now())
        var isFirst = true
        Log.info("joining \(configuration.coordinator) as \(configuration.name)")
        while !isEnding.withLock({ $0 }) {
            let failure: any Error
            do {
                let stream = try ByteStream(
                    connectingTo: configuration.coordinator, security: configuration.security,
                    timeout: ClusterLimits.connectTimeout,
                    writeTimeout: ClusterLimits.writeTimeout)
                _ = try stream.open(timeout: ClusterLimits.handshakeTimeout)
                loads.begin()
                return try Link(stream: stream, isStranger: false) { [events, loads] link, event in
                    if case .frame(let frame) = event, case .heartbeat = frame.message {
                        link.noteEcho(frame)
                    } else {
                        loads.note(event)
                        events.post(.control(link, event))
                    }
                }
            } catch SocketError.tls(let fault) where fault.isLasting {
                throw WorkerError.notAdmitted("\(configuration.coordinator)", fault)
            } catch {
                failure = error
            }
            if let patience, isFirst {
                Log.info(
                    "\(failure); trying for \(patience.components.seconds / 60) min. "
                        + "A coordinator hashes a file it has never served before it answers")
            }
            isFirst = false
            kept.letGoIfIdle(isWanted: false, now: MonotonicClock.now())
            guard let pause = pauses.next(now: MonotonicClock.now()) else {
                throw WorkerError.unreachable(
                    "\(failure)", seconds: Int((patience ?? .zero).components.seconds))
            }
            guard !isStopped(within: pause) else { return nil }
        }
        return nil
    }

    /// Waits for `time`, or less when told to stop; ends data links that come meanwhile.
    private func isStopped(within time: Duration) -> Bool {
        let deadline = MonotonicClock.now() + time
        while let event = events.take(until: deadline) {
            switch event.leftover {
            case .order: return true
            case .end(let link): link.finish()
            case .arrival(let link): link.refuse(.refused, "this worker has no coordinator")
            case .nothing: break
            }
        }
        return false
    }

    private func measuredSpeed() -> WorkerSpeed {
        guard configuration.measuresSpeed else { return .unmeasured }
        return SelfMeasurement(
            threadCount: configuration.threadCount, coreCount: ProcessorCount.read().cores.count,
            memoryBudgetBytes: configuration.memoryBudgetBytes,
            cacheDirectory: configuration.cacheDirectory, isa: isa
        ).take()
    }

    private func hello(_ speed: WorkerSpeed, on link: Link) -> Hello {
        // Where this worker listens on all addresses, others reach it as the coordinator does.
        let dataAddress = dataAddress.specified(by: link.localHost)
        return Hello(
            protocolMin: Limits.protocolVersionMin, protocolMax: Limits.protocolVersionMax,
            node: node, name: configuration.name, dataAddress: dataAddress.description,
            cores: UInt16(clamping: ProcessorCount.read().cores.count),
            threads: UInt16(clamping: configuration.threadCount), isa: isa,
            softwareVersion: CaravanVersion.text,
            memoryBudgetBytes: UInt64(clamping: configuration.memoryBudgetBytes),
            host: SelfMeasurement.host(),
            freeMemoryBytes: UInt64(clamping: MemoryReading.availableBytes()), speed: speed)
    }
}

/// The version of this software, as `--version` and `hello` give it.
package enum CaravanVersion {
    package static let text = "0.1.0"
}
