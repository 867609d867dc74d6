// SPDX-License-Identifier: Apache-2.0

import Control
import Model
import Platform
import Wire

/// The layers on workers: carries out what `Membership` decides.
final class ClusterBackend: StepBackend {
    /// What a link that has introduced itself is for.
    enum Role {
        case member(NodeID)
        /// From the last stage of this epoch, with candidates.
        case results(epoch: UInt32)
        /// To stage 0 of this epoch.
        case first(epoch: UInt32)
    }

    /// Why the link of a worker that said goodbye ended.
    static let farewell = "it left"

    let shape: ModelShape
    let catalog: BlobCatalog
    let configuration: CoordinatorConfiguration
    let contextLength: Int
    let pages: PageDemand
    let acceptor: Acceptor
    let children: LocalWorkers?
    let post: @Sendable (BackendEvent) -> Void
    let node: NodeID
    var membership: Membership
    var members: [NodeID: Member] = [:]
    var roles: [ObjectIdentifier: Role] = [:]
    var firstStage: Link?
    var results: Link?
    /// Links that this side opened and whose threads may still run.
    var outgoing: [ObjectIdentifier: Link] = [:]
    var departedShippedBytes = 0
    /// When the pipeline went down, and what had been shipped by then; nil while there is one.
    var loss: (time: Duration, shippedBytes: Int)?
    var isUp = false
    /// What this process lacks to reach stage 0 of a plan that is ready otherwise; nil for nothing.
    var shortage: String?
    var hope = LocalHope(patience: ClusterLimits.recoveryLimit)
    var events = RecentEvents()
    /// Of connections that had the token.
    var refusals = RefusalLog()
    var lastWorkers: LastWorkers

    /// Listens for workers and starts the local ones. Throws `ModelTooLargeError`, `SocketError`
    /// or `ProcessError`.
    init(
        model: LoadedModel, catalog: BlobCatalog, configuration: CoordinatorConfiguration,
        pages: PageDemand, listen: SocketAddress, localCount: Int, threadCount: Int,
        post: @escaping @Sendable (BackendEvent) -> Void
    ) throws {
        shape = ModelShape(model.hyperparameters)
        contextLength = model.served.contextLength
        self.catalog = catalog
        self.pages = pages
        self.configuration = configuration
        self.post = post
        node = NodeID(high: Randomness.word(), low: Randomness.word())
        let whole = Assignment(
            shape: shape, stage: 0, of: 1, layers: 0..<model.hyperparameters.layerCount,
            slotCount: configuration.slotCount, contextLength: contextLength,
            pageCount: pages.wanted, wireType: configuration.wireType,
            cacheType: configuration.cacheType, nextAddress: "", catalog: catalog)
        try whole.checkFits()
        lastWorkers = LastWorkers(directory: configuration.cacheDirectory, modelPath: model.path)
        membership = Membership(
            model: PlannerModel(model, configuration, pages: pages),
            goal: PlannerGoal(
                objective: configuration.objective, streams: configuration.slotCount,
                rowCountMax: ClusterLimits.rowCountMax,
                depth: min(configuration.depth, contextLength)),
            expectedWorkers: configuration.expectedWorkers ?? (localCount > 0 ? localCount : nil),
            settle: ClusterLimits.settleTime, usualWorkers: lastWorkers.names,
            // Links within this machine are not what decides.
            pathPatience: localCount > 0 && localCount >= configuration.expectedWorkers ?? 0
                ? .zero : ClusterLimits.pathPatience,
            heartbeatTimeout: ClusterLimits.heartbeatTimeout,
            tickGapMax: ClusterLimits.silentGapMax)
        acceptor = try Acceptor(
            listener: try Listener(listen, security: configuration.security)
        ) { link, event in
            // Echoed from the reader's thread, so that the round trip is the network's alone.
            if case .frame(let frame) = event, case .heartbeat = frame.message { link.send(frame) }
            post(.link(link, event))
        }
        do {
            children =
                localCount == 0
                ? nil
                : try LocalWorkers(
                    count: localCount, joining: acceptor.address, threadCount: threadCount,
                    modelPath: model.path, configuration: configuration)
        } catch {
            acceptor.stop()
            throw error
        }
    }

    var workersAddress: SocketAddress { acceptor.address }

    func handle(_ event: BackendEvent) -> [BackendOutcome] {
        switch event {
        case .link(let link, let event): return handle(link, event)
        case .unshippable(let link, let epoch, let reason):
            return noteUnshippable(link, epoch, reason)
        case .localReady, .localFailed, .localCandidates: return []
        }
    }

    private func handle(_ link: Link, _ event: Link.Event) -> [BackendOutcome] {
        if case .frame = event, link.isDismissed { return [] }
        switch (event, roles[ObjectIdentifier(link)]) {
        case (.closed(let reason), let role): return handleClosed(link, reason, role)
        case (.frame(let frame), .member(let node)?): return handleMember(node, frame)
        case (.frame(let frame), .results(let epoch)?): return handleResult(link, frame, epoch)
        case (.frame(let frame), .first?):
            link.end(after: frame, from: "stage 0")
            return []
        case (.frame(let frame), nil): return greet(link, frame)
        }
    }

    func tick(isIdle: Bool) -> [BackendOutcome] {
        let now = MonotonicClock.now()
        Log.warnings(refusals.tick(now: now))
        for (name, status) in children?.takeEnded() ?? [] {
            let line = "worker \(name) ended with status \(status)"
            if status == 0 { Log.info(line) } else { Log.error(line) }
            hope.workerEnded(line, hasFailed: status != 0)
        }
        // As their readers saw it: this thread may itself have been held up, with the heartbeats
        // waiting for it.
        for (node, member) in members {
            membership.heard(node: node, at: now - member.link.silence)
        }
        // What workers load from their own disks shows in their memory alone; later, keys and
        // values show in it, too.
        let movedBytes = membership.loadingNodes.reduce(shippedBytes) {
            $0 + (members[$1]?.loading.movedBytes ?? 0)
        }
        let outcomes = carryOut(membership.tick(isIdle: isIdle, movedBytes: movedBytes, now: now))
        let connected = shortage == nil ? [] : connect(membership.epoch)
        return outcomes + connected + giveUpIfHopeless(now: now)
    }

    /// The server ends where nobody is left to wait for.
    private func giveUpIfHopeless(now: Duration) -> [BackendOutcome] {
        let reason = hope.whyNone(
            hasPlan: membership.plan != nil,
            isDeserted: children?.isEmpty == true && members.isEmpty, detail: membership.detail,
            now: now)
        return reason.map { [.failed($0)] } ?? []
    }

    func distrust(_ reason: String) -> [BackendOutcome] {
        guard isUp, let last = membership.plan?.stages.last else { return [] }
        members[last.node]?.link.refuse(.internalFault, reason)
        return carryOut(membership.lost(node: last.node, now: MonotonicClock.now()))
    }

    func drain(worker: String) throws(DrainRefusal) -> [BackendOutcome] {
        carryOut(try membership.drain(worker: worker, now: MonotonicClock.now()))
    }

    var isLoading: Bool { membership.state == .loading }

    func forward(stepID: UInt64, _ step: Step) {
        firstStage?.send(Frame(epoch: membership.epoch, id: stepID, message: .step(step)))
    }

    func stop() {
        acceptor.beginStopping()
        for member in members.values {
            member.link.send(Frame(epoch: membership.epoch, id: 0, message: .bye))
            member.link.closeAfterSending()
        }
        for member in members.values { member.link.waitUntilSent() }
        children?.stop()
        acceptor.stop()
        for link in outgoing.values {
            link.close(reason: "stopping")
            link.finish()
        }
        for member in members.values { member.finish() }
    }
}
