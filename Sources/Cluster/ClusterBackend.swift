// SPDX-License-Identifier: Apache-2.0

import Control
import Model
import Platform
import Wire

/// The layers on workers: carries out what `Membership` decides.
final class ClusterBackend: StepBackend {
    /// What a link that has introduced itself is for.
    private enum Role {
        case member(NodeID)
        /// From the last stage of this epoch, with candidates.
        case results(epoch: UInt32)
        /// To stage 0 of this epoch.
        case first(epoch: UInt32)
    }

    private let shape: ModelShape
    private let catalog: BlobCatalog
    private let configuration: CoordinatorConfiguration
    private let contextLength: Int
    private let acceptor: Acceptor
    private let children: LocalWorkers?
    private let post: @Sendable (BackendEvent) -> Void
    private let node: NodeID
    private var membership: Membership
    private var members: [NodeID: Member] = [:]
    private var roles: [ObjectIdentifier: Role] = [:]
    private var firstStage: Link?
    private var results: Link?
    /// Links that this side opened and whose threads may still run.
    private var outgoing: [ObjectIdentifier: Link] = [:]
    private var departedShippedBytes = 0
    private var isUp = false
    private var times = StageTimes()

    /// Listens for workers and starts the local ones. Throws `ModelTooLargeError`, `SocketError`
    /// or `ProcessError`.
    init(
        model: LoadedModel, catalog: BlobCatalog, configuration: CoordinatorConfiguration,
        listen: SocketAddress, localCount: Int, threadCount: Int,
        post: @escaping @Sendable (BackendEvent) -> Void
    ) throws {
        shape = ModelShape(model.hyperparameters)
        contextLength = model.served.contextLength
        self.catalog = catalog
        self.configuration = configuration
        self.post = post
        node = NodeID(high: Randomness.word(), low: Randomness.word())
        let whole = Assignment(
            shape: shape, stage: 0, of: 1, layers: 0..<model.hyperparameters.layerCount,
            slotCount: configuration.slotCount, contextLength: contextLength, nextAddress: "",
            catalog: catalog)
        try whole.checkFits()
        membership = Membership(
            model: PlannerModel(
                model, slotCount: configuration.slotCount, contextLength: contextLength),
            goal: PlannerGoal(
                objective: configuration.objective, streams: configuration.slotCount,
                stepsInFlightMax: ClusterLimits.predictedStepsInFlight,
                rowCountMax: ClusterLimits.rowCountMax),
            expectedWorkers: localCount > 0 ? localCount : nil, settle: ClusterLimits.settleTime,
            heartbeatTimeout: ClusterLimits.heartbeatTimeout)
        acceptor = Acceptor(listener: try Listener(listen)) { link, event in
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
                    cacheDirectory: configuration.cacheDirectory)
        } catch {
            acceptor.stop()
            throw error
        }
    }

    var workersAddress: SocketAddress { acceptor.address }

    func handle(_ event: BackendEvent) -> [BackendOutcome] {
        guard case .link(let link, let event) = event else { return [] }
        if case .frame = event, link.isDismissed { return [] }
        switch (event, roles[ObjectIdentifier(link)]) {
        case (.closed(let reason), let role): return handleClosed(link, reason, role)
        case (.frame(let frame), .member(let node)?): return handleMember(node, frame)
        case (.frame(let frame), .results(let epoch)?): return handleResult(link, frame, epoch)
        case (.frame(let frame), .first?):
            if case .error(let notice) = frame.message { Log.warning("stage 0: \(notice.message)") }
            return []
        case (.frame(let frame), nil): return greet(link, frame)
        }
    }

    func tick(isIdle: Bool) -> [BackendOutcome] {
        let now = MonotonicClock.now()
        var outcomes: [BackendOutcome] = []
        for (name, status) in children?.takeEnded() ?? [] {
            Log.error("worker \(name) ended with status \(status)")
            if membership.epoch == 0 {
                outcomes.append(.failed("worker \(name) ended with status \(status)"))
            }
        }
        outcomes += dropSilent(now)
        if isIdle { outcomes += carryOut(membership.idle(now: now)) }
        return outcomes + carryOut(membership.tick(now: now))
    }

    /// Ends members from which nothing has come for too long, as their readers saw it: this thread
    /// may itself have been held up, with the heartbeats waiting for it.
    private func dropSilent(_ now: Duration) -> [BackendOutcome] {
        var outcomes: [BackendOutcome] = []
        for (node, member) in members where !member.link.isDismissed {
            if member.link.silence < ClusterLimits.heartbeatTimeout {
                outcomes += carryOut(membership.heard(node: node, now: now))
            } else {
                member.link.close(reason: "nothing heard for \(ClusterLimits.heartbeatTimeout)")
                outcomes += carryOut(membership.lost(node: node, now: now))
            }
        }
        return outcomes
    }

    func distrust(_ reason: String) -> [BackendOutcome] {
        guard isUp, let last = membership.plan?.stages.last else { return [] }
        members[last.node]?.link.refuse(.internalFault, reason)
        return carryOut(membership.lost(node: last.node, now: MonotonicClock.now()))
    }

    func forward(stepID: UInt64, _ step: Step) {
        times.noteSent(stepID: stepID, step)
        firstStage?.send(Frame(epoch: membership.epoch, id: stepID, message: .step(step)))
    }

    func describe(in status: inout ClusterStatus) {
        status.state = membership.state.rawValue
        status.detail = membership.detail
        status.epoch = Int(membership.epoch)
        status.shippedBytes = members.values.reduce(departedShippedBytes) { $0 + $1.shippedBytes }
        fillPrediction(of: &status)
        status.stages = (membership.plan?.stages ?? []).enumerated().compactMap { index, planned in
            guard let member = members[planned.node] else { return nil }
            var stage = member.status(stage: index, layers: planned.layers)
            times.fill(&stage)
            if let times = membership.plan?.prediction?.stages, index < times.count {
                stage.predictedMicrosecondsPerToken = Int(min(times[index].seconds * 1e6, 1e15))
            }
            return stage
        }
    }

    private func fillPrediction(of status: inout ClusterStatus) {
        times.fill(&status)
        status.members = membership.members.compactMap { info in
            members[info.node]?.status(correction: membership.correction(of: info.node))
        }
        guard let prediction = membership.plan?.prediction else { return }
        status.predictedTokensPerSecond = prediction.singleStreamTokensPerSecond
        status.predictedTokensPerSecondOfAllSlots = prediction.tokensPerSecond
    }

    func stop() {
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

    // MARK: Links

    private func greet(_ link: Link, _ frame: Frame) -> [BackendOutcome] {
        switch frame.message {
        case .hello(let hello): return join(link, hello)
        case .dataHello(let hello):
            let stages = membership.plan?.stages ?? []
            guard hello.protocolVersion == Limits.protocolVersionMax,
                frame.epoch == membership.epoch, stages.last?.node == hello.node,
                Int(hello.fromStage) == stages.count - 1, results == nil
            else {
                refuse(link, .refused, "this data link belongs to no stage of the current plan")
                return []
            }
            results = link
            roles[ObjectIdentifier(link)] = .results(epoch: frame.epoch)
        default: refuse(link, .unexpectedFrame, "say hello first")
        }
        return []
    }

    private func join(_ link: Link, _ hello: Hello) -> [BackendOutcome] {
        let ours = Limits.protocolVersionMin...Limits.protocolVersionMax
        guard hello.protocolMin <= ours.upperBound, hello.protocolMax >= ours.lowerBound else {
            refuse(
                link, .unsupportedVersion,
                "worker \(hello.name) speaks protocol \(hello.protocolMin) to "
                    + "\(hello.protocolMax), this coordinator \(ours.lowerBound) to "
                    + "\(ours.upperBound); run the same release on both")
            return []
        }
        guard SocketAddress(hello.dataAddress) != nil else {
            refuse(link, .refused, "worker \(hello.name) gave no address for data links")
            return []
        }
        let outcomes = dropEarlier(hello.node)
        guard members.count < Limits.stagesMax else {
            refuse(link, .refused, "there are \(members.count) workers already")
            return outcomes
        }
        let member = Member(hello: hello, link: link, catalog: catalog)
        members[hello.node] = member
        roles[ObjectIdentifier(link)] = .member(hello.node)
        let directives = membership.joined(worker: member.info, now: MonotonicClock.now())
        if !directives.contains(where: { $0.refuses(hello.node) }) {
            Log.info("worker \(hello.name) joined from \(link.peer)")
            let welcome = Welcome(
                protocolVersion: min(ours.upperBound, hello.protocolMax),
                heartbeatMilliseconds: UInt32(
                    ClusterLimits.heartbeatInterval.microseconds / 1000))
            link.send(Frame(epoch: 0, id: 0, message: .welcome(welcome)))
        }
        return outcomes + carryOut(directives)
    }

    /// A worker that joins again has lost its link, even if that has not been noticed here.
    private func dropEarlier(_ node: NodeID) -> [BackendOutcome] {
        guard let earlier = members[node] else { return [] }
        roles[ObjectIdentifier(earlier.link)] = nil
        earlier.link.close(reason: "it joined again")
        forget(node)
        return carryOut(membership.lost(node: node, now: MonotonicClock.now()))
    }

    /// Joins the threads of a member whose link is closed.
    private func forget(_ node: NodeID) {
        guard let member = members.removeValue(forKey: node) else { return }
        member.finish()
        departedShippedBytes += member.shippedBytes
    }

    private func handleMember(_ node: NodeID, _ frame: Frame) -> [BackendOutcome] {
        guard let member = members[node] else { return [] }
        let now = MonotonicClock.now()
        switch frame.message {
        case .heartbeat(let heartbeat):
            member.note(heartbeat)
            if let path = member.path { membership.measured(path: path, of: node) }
            if let path = member.nextPath { membership.measuredNext(path: path, of: node) }
            return carryOut(membership.heard(node: node, now: now))
        // What belongs to an older plan is dropped.
        case .blobRequest, .ready:
            guard frame.epoch <= membership.epoch else {
                refuse(member.link, .unexpectedFrame, "plan \(frame.epoch) is not known here")
                return carryOut(membership.lost(node: node, now: now))
            }
            guard frame.epoch == membership.epoch else { return [] }
            if case .ready(let ready) = frame.message { return note(ready, of: member) }
            if case .blobRequest(let request) = frame.message {
                member.ask(request, epoch: frame.epoch, id: frame.id)
            }
            return []
        case .error(let notice):
            Log.error("worker \(member.hello.name): \(notice.message)")
            member.link.close(reason: notice.message)
            return carryOut(membership.lost(node: node, now: now))
        case .bye:
            Log.info("worker \(member.hello.name) leaves")
            member.link.close(reason: "it left")
            return carryOut(membership.lost(node: node, now: now))
        case .hello, .welcome, .assignment, .blobChunk, .dataHello, .step, .candidates:
            refuse(member.link, .unexpectedFrame, "a worker does not send this frame here")
            return carryOut(membership.lost(node: node, now: now))
        }
    }

    private func note(_ ready: Ready, of member: Member) -> [BackendOutcome] {
        let epoch = membership.epoch
        Log.info(
            "worker \(member.hello.name) is ready for plan \(epoch); "
                + "\(ready.shippedBytes) bytes were shipped to it")
        let now = MonotonicClock.now()
        return carryOut(membership.ready(node: member.hello.node, epoch: epoch, now: now))
    }

    private func handleResult(_ link: Link, _ frame: Frame, _ epoch: UInt32) -> [BackendOutcome] {
        guard case .candidates(let candidates) = frame.message else {
            refuse(link, .unexpectedFrame, "a data link to the coordinator carries candidates")
            return []
        }
        guard frame.epoch <= epoch else {
            refuse(
                link, .unexpectedFrame, "candidates of plan \(frame.epoch) on a link of \(epoch)")
            return []
        }
        // Frames of an older plan are dropped.
        guard epoch == membership.epoch, frame.epoch == epoch, isUp else { return [] }
        let load = times.record(
            stepID: frame.id, trail: candidates.trail, now: MonotonicClock.now())
        if let load { membership.measured(load, trail: candidates.trail) }
        return [.candidates(stepID: frame.id, candidates)]
    }

    private func handleClosed(_ link: Link, _ reason: String?, _ role: Role?) -> [BackendOutcome] {
        link.finish()
        roles[ObjectIdentifier(link)] = nil
        outgoing[ObjectIdentifier(link)] = nil
        if results === link { results = nil }
        if firstStage === link { firstStage = nil }
        let why = reason ?? "it closed the link"
        switch role {
        case .member(let node)?:
            guard let member = members[node] else { return [] }
            forget(node)
            Log.warning("worker \(member.hello.name) is gone: \(why)")
            return carryOut(membership.lost(node: node, now: MonotonicClock.now()))
        case .results(let epoch)?, .first(let epoch)?:
            guard epoch == membership.epoch, isUp else { return [] }
            // The worker at the other end is gone or has dropped the plan.
            let stages = membership.plan?.stages ?? []
            let isFirst = if case .first? = role { true } else { false }
            guard let end = isFirst ? stages.first : stages.last else { return [] }
            Log.warning("the data link of worker \(end.name) ended: \(why)")
            members[end.node]?.link.close(reason: "its data link ended")
            return carryOut(membership.lost(node: end.node, now: MonotonicClock.now()))
        case nil:
            if let reason { Log.warning("connection from \(link.peer) refused: \(reason)") }
            return []
        }
    }

    private func refuse(_ link: Link, _ code: ErrorNotice.Code, _ message: String) {
        Log.warning("refused \(link.peer): \(message)")
        link.refuse(code, message)
    }

    // MARK: Directives

    private func carryOut(_ directives: [MembershipDirective]) -> [BackendOutcome] {
        var outcomes: [BackendOutcome] = []
        for directive in directives {
            switch directive {
            case .assign(let epoch, let plan): assign(epoch, plan)
            case .pipelineUp(let epoch): outcomes += connect(epoch)
            case .pipelineDown(let lost):
                dropPipeline()
                outcomes.append(
                    .down(reason: lost.map { "worker \($0) was lost" } ?? "the plan changed"))
            case .refuse(let node, let reason):
                if let member = members[node] { refuse(member.link, .refused, reason) }
            case .disconnect(let node, let reason):
                members[node]?.link.close(reason: reason)
            }
        }
        return outcomes
    }

    private func assign(_ epoch: UInt32, _ plan: Plan) {
        dropPipeline()
        for (node, name, reason) in plan.leftOut.map({ ($0.node, $0.name, $0.reason) })
        where members[node] != nil {
            Log.info("plan \(epoch) leaves worker \(name) out: \(reason)")
        }
        for (index, stage) in plan.stages.enumerated() {
            guard let member = members[stage.node] else { continue }
            let next =
                index + 1 < plan.stages.count
                ? members[plan.stages[index + 1].node]?.hello.dataAddress
                : acceptor.address.description
            let assignment = Assignment(
                shape: shape, stage: index, of: plan.stages.count, layers: stage.layers,
                slotCount: configuration.slotCount, contextLength: contextLength,
                nextAddress: next ?? "", catalog: catalog)
            Log.info(
                "plan \(epoch): layers \(stage.layers.lowerBound)..<\(stage.layers.upperBound) "
                    + "on \(stage.name)")
            member.link.send(Frame(epoch: epoch, id: 0, message: .assignment(assignment)))
        }
    }

    /// Opens the data link to stage 0.
    private func connect(_ epoch: UInt32) -> [BackendOutcome] {
        guard let first = membership.plan?.stages.first, let member = members[first.node],
            let address = SocketAddress(member.hello.dataAddress)
        else { return [] }
        do {
            let stream = try ByteStream(
                connectingTo: address, timeout: ClusterLimits.connectTimeout,
                writeTimeout: ClusterLimits.writeTimeout)
            let link = Link(stream: stream, isStranger: false) { [post] link, event in
                post(.link(link, event))
            }
            roles[ObjectIdentifier(link)] = .first(epoch: epoch)
            outgoing[ObjectIdentifier(link)] = link
            let greeting = DataHello(
                protocolVersion: Limits.protocolVersionMax, node: node,
                fromStage: DataHello.coordinatorStage)
            link.send(Frame(epoch: epoch, id: 0, message: .dataHello(greeting)))
            firstStage = link
            isUp = true
            times.reset()
            Log.info("plan \(epoch) is ready")
            return [.up(epoch: epoch)]
        } catch {
            Log.error("worker \(first.name): \(error)")
            member.link.close(reason: "its data address can't be reached")
            return carryOut(membership.lost(node: first.node, now: MonotonicClock.now()))
        }
    }

    private func dropPipeline() {
        isUp = false
        for link in [firstStage, results] { link?.close(reason: "plan over") }
        firstStage = nil
        results = nil
    }
}

extension MembershipDirective {
    fileprivate func refuses(_ other: NodeID) -> Bool {
        if case .refuse(let node, _) = self { node == other } else { false }
    }
}
