// SPDX-License-Identifier: Apache-2.0

package import Wire

/// Decides who belongs to the cluster, and when a new plan is due.
///
/// The first plan is made when the expected workers have joined or, with none expected, when memory
/// suffices and either the usual workers are there or nobody has joined for `settle`. The loss of
/// a stage takes the pipeline down and is answered with a new plan at once if the living suffice. A
/// worker that joins later is taken in once nothing runs. Time is a duration since any fixed start.
package struct Membership: Sendable {
    /// A plan that was handed out, and the stages that have not loaded it yet.
    struct Assignment: Sendable {
        let epoch: UInt32
        var plan: Plan
        let since: Duration
        var waitingFor: [NodeID]
    }

    let planner: Planner
    /// nil to plan by memory alone.
    let cost: StageCost?
    let expectedWorkers: Int?
    let settle: Duration
    /// Names of those that served last time; there is no need to wait for more.
    let usualWorkers: [String]
    /// How long the usual workers have to measure their links before the first plan.
    let pathPatience: Duration
    let heartbeatTimeout: Duration
    let loadTimeout: Duration
    var roster: [Member] = []
    var assignment: Assignment?
    /// 0 before the first plan.
    package internal(set) var epoch: UInt32 = 0
    /// Latest time seen.
    var now: Duration = .zero
    var lastJoin: Duration = .zero
    /// Why the latest attempt to plan failed.
    var shortage: PlannerFailure?
    /// The worker whose loss took the latest pipeline down.
    var lastLost: String?
    /// Links between neighbours that plans so far have connected.
    var links: [WorkerPair: NetworkPath] = [:]

    /// One living worker.
    struct Member: Sendable {
        let info: MemberInfo
        var lastHeard: Duration
        /// Whether a plan has been made with it in mind.
        var isConsidered = false
        /// To the coordinator; nil before it is measured.
        var path: NetworkPath?
        /// Its stage times as measured by those predicted.
        var correction = 1.0
    }

    /// A load that takes longer than `loadTimeout` is not failed, but `detail` says whom it waits
    /// for.
    package init(
        model: PlannerModel, goal: PlannerGoal = PlannerGoal(), expectedWorkers: Int?,
        settle: Duration, usualWorkers: [String] = [], pathPatience: Duration = .zero,
        heartbeatTimeout: Duration = .seconds(3), loadTimeout: Duration = .seconds(600)
    ) {
        planner = Planner(model: model, goal: goal)
        cost = model.work.map { StageCost($0) }
        self.expectedWorkers = expectedWorkers
        self.settle = settle
        self.usualWorkers = usualWorkers
        self.pathPatience = pathPatience
        self.heartbeatTimeout = heartbeatTimeout
        self.loadTimeout = loadTimeout
    }

    /// Living workers in the order they joined.
    package var members: [MemberInfo] { roster.map(\.info) }

    /// The plan being loaded or served.
    package var plan: Plan? { assignment?.plan }

    /// A worker has said hello.
    package mutating func joined(
        worker: MemberInfo, now: Duration
    ) -> [MembershipDirective] {
        advance(to: now)
        if roster.contains(where: { $0.info.node == worker.node }) {
            let reason = "a worker with this node id has joined already; restart the worker"
            return [.refuse(node: worker.node, reason: reason)]
        }
        let least = planner.model.leastBytes
        guard worker.memoryBudgetBytes >= least else {
            let reason =
                "one layer needs \(ByteCount(least)) and the worker offers "
                + "\(ByteCount(worker.memoryBudgetBytes)); raise --memory, or serve with a "
                + "smaller --context"
            return [.refuse(node: worker.node, reason: reason)]
        }
        roster.append(Member(info: worker, lastHeard: now))
        lastJoin = now
        shortage = nil
        return planIfDue()
    }

    /// Anything at all has come from a worker.
    package mutating func heard(node: NodeID, now: Duration) -> [MembershipDirective] {
        advance(to: now)
        noteAlive(node)
        return []
    }

    /// A worker's link has ended.
    package mutating func lost(node: NodeID, now: Duration) -> [MembershipDirective] {
        advance(to: now)
        return drop(node) + planIfDue()
    }

    /// A worker has loaded its stage of plan `epoch`. An older epoch's word counts for nothing.
    package mutating func ready(
        node: NodeID, epoch: UInt32, now: Duration
    ) -> [MembershipDirective] {
        advance(to: now)
        noteAlive(node)
        guard var current = assignment, current.epoch == epoch,
            let index = current.waitingFor.firstIndex(of: node)
        else { return [] }
        current.waitingFor.remove(at: index)
        assignment = current
        return current.waitingFor.isEmpty ? [.pipelineUp(epoch: epoch)] : []
    }

    /// Time has passed: drops silent workers, and plans when the settling time is over.
    package mutating func tick(now: Duration) -> [MembershipDirective] {
        advance(to: now)
        var directives: [MembershipDirective] = []
        for member in roster where now - member.lastHeard >= heartbeatTimeout {
            let reason = "nothing heard for \((now - member.lastHeard).components.seconds) s"
            directives.append(.disconnect(node: member.info.node, reason: reason))
            directives += drop(member.info.node)
        }
        return directives + planIfDue()
    }

    /// Nothing runs or waits right now: a worker that joined late may be taken in.
    ///
    /// To be called at each tick while the scheduler is idle.
    package mutating func idle(now: Duration) -> [MembershipDirective] {
        advance(to: now)
        guard var current = assignment, current.waitingFor.isEmpty, now - lastJoin >= settle,
            roster.contains(where: { !$0.isConsidered }), case .success(let plan) = makePlan()
        else { return [] }
        guard plan.stages != current.plan.stages else {
            current.plan = plan
            assignment = current
            return []
        }
        return [.pipelineDown(lost: nil)] + assign(plan)
    }

    private mutating func advance(to time: Duration) { now = max(now, time) }

    private mutating func noteAlive(_ node: NodeID) {
        guard let index = roster.firstIndex(where: { $0.info.node == node }) else { return }
        roster[index].lastHeard = now
    }

    /// Forgets a worker; takes the pipeline down if it ran a stage.
    private mutating func drop(_ node: NodeID) -> [MembershipDirective] {
        guard let index = roster.firstIndex(where: { $0.info.node == node }) else { return [] }
        let name = roster.remove(at: index).info.name
        shortage = nil
        links = links.filter { $0.key.from != node && $0.key.to != node }
        guard let current = assignment, current.plan.stages.contains(where: { $0.node == node })
        else { return [] }
        assignment = nil
        lastLost = name
        return [.pipelineDown(lost: name)]
    }
}
