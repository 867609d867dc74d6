// SPDX-License-Identifier: Apache-2.0

import Engine
import Platform
import Wire

extension WorkerSession {
    /// Drops the old stage and starts on a new one.
    func begin(_ assignment: Assignment, epoch: UInt32) -> End? {
        dropWork()
        // What the new one has no use for must not be in memory beside it.
        kept?.keep(only: assignment)
        kept?.mark(asUsed: true)
        // It must not write what the fetch below writes; the blobs of this plan stay marked until
        // found again, those of another one may have to make room.
        let prepared = preparer?.epoch == epoch ? preparedBlobs : []
        endPreparation()
        defer { withExtendedLifetime(prepared) {} }
        Log.info(
            "plan \(epoch): stage \(assignment.stage) of \(assignment.stageCount), "
                + "layers \(assignment.layerStart)..<\(assignment.layerEnd)")
        for link in dataLinks.begin(epoch: epoch, stage: assignment.stage) {
            link.close(reason: "older plan")
        }
        fetchStart = MonotonicClock.now()
        let fetch = BlobFetch(
            assignment: assignment, cache: cache, model: model, kept: kept?.held ?? [:])
        return loading { try go(on: fetch, try fetch.start()) }
    }

    func take(_ chunk: BlobChunk) -> End? {
        guard case .fetching(let fetch) = work else { return nil }
        return loading { try go(on: fetch, try fetch.take(chunk)) }
    }

    /// Asks for what is missing, or loads the stage once nothing is.
    private func go(on fetch: BlobFetch, _ progress: BlobFetch.Progress) throws {
        switch progress {
        case .asking(let requests):
            work = .fetching(fetch)
            for request in requests { ask(request) }
        case .complete: try load(fetch)
        }
    }

    /// Runs a part of loading. Another attempt would fail likewise, so its error ends the worker;
    /// but not one that has served, for want of room: it can do so again once others take a part.
    private func loading(_ body: () throws -> Void) -> End? {
        do {
            try body()
            return nil
        } catch {
            work = .none
            Log.error("\(error)")
            let code: ErrorNotice.Code =
                if case ShippingError.wrongHash = error { .wrongHash } else { .loadFailed }
            control.refuse(code, "\(error)")
            let mayPass = hasBeenReady && ShippingError.isLackOfRoom(error)
            return mayPass ? .hindered("\(error)") : .failed("\(error)")
        }
    }

    private func ask(_ request: BlobRequest) {
        blobRequestCount += 1
        control.send(
            Frame(epoch: dataLinks.epoch, id: blobRequestCount, message: .blobRequest(request)))
    }

    /// Loads the stage and lets it serve.
    ///
    /// Blobs from disk are hashed while they are packed; what proves damaged is asked for instead.
    private func load(_ fetch: BlobFetch) throws {
        work = .none
        guard !letGoOfChangedModel() else { return try go(on: fetch, try fetch.letGoOfModel()) }
        let assignment = fetch.assignment
        let epoch = dataLinks.epoch
        let start = MonotonicClock.now()
        let loader = StageLoader(
            assignment: assignment, threadCount: configuration.threadCount,
            memoryBudgetBytes: configuration.memoryBudgetBytes)
        // One that was told to leave before has been given the stage all the same.
        let mayLeave = leavingSince == nil
        let isPointless: @Sendable () -> Bool = { [loads] in
            loads.isPointless(epoch: epoch) || mayLeave && loads.isLeaving
        }
        let check = fetch.check(threadCount: configuration.threadCount, unless: isPointless)
        var loaded: Result? = Result {
            try loader.load(fetch.held, kept: kept?.weights ?? .none, unless: isPointless)
        }
        let damaged = check.damaged()
        // What made it so is the next event or one of the next.
        guard !isPointless() else {
            Log.info("plan \(epoch): the stage is not wanted any more; its loading was left off")
            return
        }
        guard damaged.isEmpty else {
            let progress = try fetch.replace(damaged)
            // What is sound stays packed; what is loaded beside it needs the rest of the memory.
            if case .success(let runner)? = loaded {
                kept = KeptStage(assignment, held: fetch.held, weights: runner.keptWeights)
                kept?.keep(only: assignment)
            }
            loaded = nil
            return try go(on: fetch, progress)
        }
        // It may have been written to after it was hashed, and before it was packed.
        guard !letGoOfChangedModel() else {
            loaded = nil
            return try go(on: fetch, try fetch.letGoOfModel())
        }
        guard let runner = try loaded?.get() else { return }
        kept = KeptStage(assignment, held: fetch.held, weights: runner.keptWeights)
        try serve(runner, of: fetch, start: start)
    }

    /// Connects the stage, whose loading began at `start`, to the next one and reports ready.
    private func serve(_ runner: StageRunner, of fetch: BlobFetch, start: Duration) throws {
        let assignment = fetch.assignment
        let epoch = dataLinks.epoch
        // The coordinator can't know at which address this worker reaches it.
        let address =
            assignment.nextAddress.isEmpty
            ? control.remoteAddress : SocketAddress(assignment.nextAddress)
        guard let address else {
            throw ShippingError.unloadable("next address \(assignment.nextAddress)")
        }
        guard let next = connect(to: address) else { return }
        let greeting = DataHello(
            protocolVersion: Limits.protocolVersionMax, node: hello.node,
            fromStage: assignment.stage)
        next.send(Frame(epoch: epoch, id: 0, message: .dataHello(greeting)))
        work = .running(runner, next: next)
        // Candidates are small: the last stage's link is not worth it.
        if assignment.stage + 1 < assignment.stageCount { heart.watch(next, next.measurePath()) }
        let ready = Ready(
            residentBytes: UInt64(clamping: MemoryReading.residentBytes()),
            shippedBytes: fetch.shippedBytes)
        control.send(Frame(epoch: epoch, id: 0, message: .ready(ready)))
        hasBeenReady = true
        let loading = (MonotonicClock.now() - start).microseconds / 1000
        let fetching = (start - fetchStart).microseconds / 1000
        Log.info(
            "ready: \(fetch.shippedBytes) bytes were shipped in \(fetching / 1000)."
                + "\(String(fetching % 1000 + 1000).dropFirst()) s, the stage loaded in "
                + "\(loading) ms")
    }

    /// The link to the next stage; nil, and the worker stranded, where nobody answers. One that is
    /// short of descriptors or threads itself ends its own link: its neighbour would be taken for
    /// cut off.
    private func connect(to address: SocketAddress) -> Link? {
        let problem = "the next stage can't be reached: "
        do {
            let stream = try ByteStream(
                connectingTo: address, security: configuration.security,
                timeout: ClusterLimits.dataLinkTimeout,
                writeTimeout: ClusterLimits.dataLinkTimeout)
            let link = try Link(stream: stream, isStranger: false, tally: dataTraffic) {
                [events] link, event in
                events.post(.next(link, event))
            }
            open(link)
            return link
        } catch let error as SocketError where !error.isShortage {
            strand(problem + "\(error)")
        } catch {
            control.refuse(.internalFault, problem + "\(error)")
        }
        return nil
    }

    func noteNextEnded(_ link: Link, _ reason: String?) {
        guard case .running(_, let next) = work, next === link else { return }
        strand("the link to the next stage ended: \(reason ?? "it closed the link")")
    }

    /// Nothing to worry about as such: links end before a newer plan comes, and before the end of
    /// all. What neither follows is said by `checkPatience`.
    private func strand(_ reason: String) {
        Log.info("plan \(dataLinks.epoch): \(reason)")
        dropWork()
        work = .stranded(since: MonotonicClock.now(), reason: reason)
    }
}
