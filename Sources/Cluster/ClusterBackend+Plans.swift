// SPDX-License-Identifier: Apache-2.0

import Control
import Platform
import Wire

/// Carrying out what `Membership` has decided.
extension ClusterBackend {
    func carryOut(_ directives: [MembershipDirective]) -> [BackendOutcome] {
        var outcomes: [BackendOutcome] = []
        for directive in directives {
            switch directive {
            case .prepare(let epoch, let plan, let reason): prepare(epoch, plan, reason)
            case .abandon(let epoch, let reason):
                record(.plan, "plan \(epoch) is not prepared any more: \(reason)")
            case .assign(let epoch, let plan):
                hope.plansAnew()
                assign(epoch, plan)
            case .rest(let epoch):
                for node in members.keys { send(.spare, epoch, to: node) }
            case .pipelineUp(let epoch): outcomes += connect(epoch)
            case .pipelineDown(let reason, let isLoss):
                dropPipeline()
                loss = loss ?? (MonotonicClock.now(), shippedBytes)
                Log.info("the pipeline is down: \(reason)")
                outcomes.append(.down(reason: reason, isLoss: isLoss))
            // Carried out where a worker joins: it is no member.
            case .refuse: break
            case .disconnect(let node, let reason):
                members[node]?.link.close(reason: reason)
            case .release(let node): release(node)
            }
        }
        return outcomes
    }

    private func assign(_ epoch: UInt32, _ plan: Plan) {
        dropPipeline()
        let count = plan.stages.count
        record(.plan, "plan \(epoch): \(count) \(count == 1 ? "stage" : "stages")\(afterLoss)")
        let pageCount = plan.pageCount ?? pages.wanted
        let positionCount = pageCount * pages.pagePositionCount
        Log.info(
            "plan \(epoch): keys and values of \(positionCount) tokens in \(pageCount) pages, "
                + "\(min(contextLength, positionCount)) of one sequence")
        for (node, name, reason) in plan.leftOut.map({ ($0.node, $0.name, $0.reason) })
        where members[node] != nil {
            Log.info("plan \(epoch) leaves worker \(name) out: \(reason)")
        }
        for (index, stage) in plan.stages.enumerated() {
            Log.info(
                "plan \(epoch): layers \(stage.layers.lowerBound)..<\(stage.layers.upperBound) "
                    + "on \(stage.name)")
            guard let assignment = assignment(of: index, in: plan) else { continue }
            send(.assignment(assignment), epoch, to: stage.node)
        }
        for node in members.keys where !plan.hasStage(on: node) { send(.spare, epoch, to: node) }
    }

    /// Lets the workers of a plan to come have their blobs.
    private func prepare(_ epoch: UInt32, _ plan: Plan, _ reason: String?) {
        let names = plan.stages.map(\.name).joined(separator: ", ")
        let cause = reason.map { ", as \($0)" } ?? ""
        record(.plan, "plan \(epoch) is being prepared\(cause): \(names)")
        for (index, stage) in plan.stages.enumerated() {
            guard let assignment = assignment(of: index, in: plan) else { continue }
            send(.preparation(assignment), epoch, to: stage.node)
        }
    }

    private func release(_ node: NodeID) {
        guard let member = members[node] else { return }
        member.isReleased = true
        record(.left, "worker \(member.hello.name) was released: the plan does without it")
        send(.released, membership.epoch, to: node)
        member.link.closeAfterSending()
    }

    private func send(_ message: Message, _ epoch: UInt32, to node: NodeID) {
        members[node]?.link.send(Frame(epoch: epoch, id: 0, message: message))
    }

    /// What one stage of a plan is told; nil if its worker has gone.
    private func assignment(of index: Int, in plan: Plan) -> Assignment? {
        let stage = plan.stages[index]
        guard members[stage.node] != nil else { return nil }
        // The last one's is here, at whatever address it knows that by.
        let next =
            index + 1 < plan.stages.count
            ? members[plan.stages[index + 1].node]?.hello.dataAddress : nil
        let pageCount = plan.pageCount ?? pages.wanted
        return Assignment(
            shape: shape, stage: index, of: plan.stages.count, layers: stage.layers,
            slotCount: configuration.slotCount,
            contextLength: min(contextLength, pageCount * pages.pagePositionCount),
            pageCount: pageCount, wireType: configuration.wireType,
            cacheType: configuration.cacheType,
            nextAddress: next ?? "", catalog: catalog)
    }

    /// Opens the data link to stage 0. For what this process lacks nobody is to blame: it is tried
    /// again with each tick.
    func connect(_ epoch: UInt32) -> [BackendOutcome] {
        guard let first = membership.plan?.stages.first, let member = members[first.node],
            let address = SocketAddress(member.hello.dataAddress)
        else { return [] }
        do {
            let stream = try ByteStream(
                connectingTo: address, security: configuration.security,
                timeout: ClusterLimits.firstStageTimeout,
                writeTimeout: ClusterLimits.dataLinkTimeout)
            // Whatever answers there may be no worker of this cluster.
            _ = try stream.open(timeout: ClusterLimits.firstStageTimeout)
            let link = try Link(stream: stream, isStranger: false) { [post] link, event in
                post(.link(link, event))
            }
            roles[ObjectIdentifier(link)] = .first(epoch: epoch)
            outgoing[ObjectIdentifier(link)] = link
            let greeting = DataHello(
                protocolVersion: Limits.protocolVersionMax, node: node,
                fromStage: DataHello.coordinatorStage)
            link.send(Frame(epoch: epoch, id: 0, message: .dataHello(greeting)))
            firstStage = link
            shortage = nil
            isUp = true
            hope.pipelineIsUp()
            lastWorkers.note(membership.plan?.stages.map(\.name) ?? [])
            let shipped = loss.map { "; \(shippedBytes - $0.shippedBytes) bytes were shipped" }
            record(.ready, "plan \(epoch) is ready\(afterLoss)\(shipped ?? "")")
            loss = nil
            return [
                .up(
                    epoch: epoch, stageCount: membership.plan?.stages.count ?? 1,
                    pageCount: membership.plan?.pageCount ?? pages.wanted,
                    promptRowSeconds: membership.plan?.prediction?.promptRowSeconds)
            ]
        } catch let error as SocketError where !error.isShortage {
            record(.lost, "worker \(first.name) can't be reached: \(error)")
            return carryOut(
                membership.firstStageOutOfReach(epoch: epoch, now: MonotonicClock.now()))
        } catch {
            if shortage == nil { Log.warning("plan \(epoch) has to wait: \(error)") }
            shortage = "\(error)"
            return []
        }
    }

    /// Logs what happened and keeps it for the status.
    func record(_ kind: RecentEvents.Kind, _ text: String) {
        switch kind {
        case .lost: Log.warning(text)
        case .joined, .left, .plan, .ready: Log.info(text)
        }
        events.note(kind, text, now: MonotonicClock.now())
    }

    /// How long the pipeline has been down, for the log.
    private var afterLoss: String {
        guard let loss else { return "" }
        return ", \(TimeSpan((MonotonicClock.now() - loss.time).seconds)) after the last ended"
    }

    private func dropPipeline() {
        isUp = false
        shortage = nil
        for link in [firstStage, results] { link?.close(reason: "plan over") }
        firstStage = nil
        results = nil
    }
}
