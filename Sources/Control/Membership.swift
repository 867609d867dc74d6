// SPDX-License-Identifier: Apache-2.0

package import Wire

/// Decides who belongs to the cluster, and when a new plan is due.
///
/// The first plan is made when the expected workers have joined or, with none expected, when memory
/// suffices and the usual workers are there, or nobody has joined for `settle`, or somebody has
/// waited for four times that. The loss of a stage takes the pipeline down and is answered with a
/// new plan at once if the living suffice.
///
/// A worker that is to leave, one that came later and is worth it, and one that has become slow
/// change the plan under running streams (`Membership+Changing.swift`): the next plan's workers get
/// their blobs while the present plan serves, then the next one takes over. Time is a duration
/// since any fixed start.
package struct Membership: Sendable {
    /// A plan that was handed out, and the stages that have not loaded it yet.
    struct Assignment: Sendable {
        let epoch: UInt32
        var plan: Plan
        let since: Duration
        var waitingFor: [NodeID]
        /// What was known of the workers when it was made.
        let corrections: [NodeID: Double]
        /// Of each stage, whether nothing else of the plan runs on its machine.
        let isAlone: [Bool]
    }

    /// A plan whose workers get their blobs while the present one serves.
    struct Preparation: Sendable {
        let epoch: UInt32
        let plan: Plan
        var waitingFor: [NodeID]
        /// What was known of the workers when it was made.
        let corrections: [NodeID: Double]
        /// What is in the present plan's way, where nobody came or is to go.
        let reason: String?
    }

    /// `settle` after all have gone: those who come back may be further apart, in attempts to reach
    /// a coordinator that nobody reached.
    static let gatherPatience = Duration.seconds(4)
    /// How many times that, or `settle`, anybody waits for others who join one after the other.
    static let settleCountMax = 4
    /// What a load may take before it is said.
    static let loadTimeout = Duration.seconds(600)
    /// How long workers may have their stages to load, or their blobs to get, while nothing moves.
    static let standstillMax = Duration.seconds(1800)
    /// How long a plan serves at least before another takes over for speed alone while streams run,
    /// and how long after a preparation that failed the next one begins.
    static let calm = Duration.seconds(10)
    /// After this time a worker that the plan does without for speed alone is compared anew:
    /// estimates change.
    static let reconsideration = Duration.seconds(120)

    let planner: Planner
    /// nil to plan by memory alone.
    let cost: StageCost?
    let expectedWorkers: Int?
    let settle: Duration
    /// Names of those that served last; there is no need to wait for more.
    var usualWorkers: [String]
    /// Whether all have gone, so that those who come back are waited for as at the start.
    var isGathering = false
    /// How long the workers have to measure their links before such a plan, once all that are
    /// waited for are there.
    let pathPatience: Duration
    let heartbeatTimeout: Duration
    /// What counts of the time between two ticks; nil for all of it.
    let tickGapMax: Duration?
    var roster: [Member] = []
    var assignment: Assignment?
    /// The plan that the latest loss took down.
    var fallen: Plan?
    /// There is one only while a plan serves.
    var preparation: Preparation?
    /// Of the plan handed out last, or of its end; 0 before the first.
    package internal(set) var epoch: UInt32 = 0
    /// The newest number given to a plan, even if that was never more than prepared.
    package internal(set) var lastEpoch: UInt32 = 0
    /// Whether something has happened since the present plan was last compared with another.
    var isStale = false
    /// Why a worker that is to leave can't, or one that joined is not taken in.
    var hindrance: String?
    /// When the latest preparation failed; nil once another has begun.
    var failedAt: Duration?
    /// When the present pipeline came up.
    var upSince: Duration = .zero
    /// When it was last compared with another.
    var comparedAt: Duration = .zero
    /// How its stages' times have moved away from those that it was made for.
    var drift = Drift()
    /// Whether the members know that they run no stage.
    var isAtRest = true
    /// Bytes of blobs shipped to all workers, and when one of them went or a worker was done.
    var progress: (byteCount: Int, at: Duration) = (0, .zero)
    /// Latest time seen.
    var now: Duration = .zero
    var lastJoin: Duration = .zero
    /// When the first of those joined whom no plan has been made with; nil if there is none.
    var firstJoin: Duration?
    /// Workers that were lost with a stage, by their homes: those that are started again are new
    /// ones.
    var losses: [String: RepeatedLoss] = [:]
    /// Why the latest attempt to plan failed.
    var shortage: PlannerFailure?
    /// Whose end took the latest pipeline down, and how it went.
    var lastLoss: String?
    /// What was measured of workers that went, by their homes.
    var corrections: [String: Correction] = [:]
    /// Links between neighbours that plans so far have connected.
    var links: [WorkerPair: NetworkPath] = [:]

    /// One living worker.
    struct Member: Sendable {
        let info: MemberInfo
        var silence: Silence
        /// Whether a plan has been made with it in mind.
        var isConsidered = false
        /// To the coordinator; nil before it is measured.
        var path: NetworkPath?
        /// Its stage times as measured by those predicted; nil before it has had any.
        var correction: Correction?
        /// How long that counts after it has lost its stage.
        var correctionPatience = RepeatedLoss.memory
        /// Others can't reach it, though it lives; nil if they can, as far as is known.
        var cutOff: CutOff?
        /// How long it is left out should that be found.
        var cutOffPatience = CutOff.patience
        /// Its layers are to move elsewhere, then it is released.
        var isLeaving = false
        /// It leaves whether or not that is possible.
        var hasToGo = false
    }

    /// A load that takes longer than `loadTimeout` is not failed, but `detail` says whom it waits
    /// for. One that stands still for `standstillMax` is given up.
    package init(
        model: PlannerModel, goal: PlannerGoal = PlannerGoal(), expectedWorkers: Int?,
        settle: Duration, usualWorkers: [String] = [], pathPatience: Duration = .zero,
        heartbeatTimeout: Duration = .seconds(3), tickGapMax: Duration? = nil
    ) {
        planner = Planner(model: model, goal: goal)
        cost = model.work.map { StageCost($0) }
        self.expectedWorkers = expectedWorkers
        self.settle = settle
        self.usualWorkers = usualWorkers
        self.pathPatience = pathPatience
        self.heartbeatTimeout = heartbeatTimeout
        self.tickGapMax = tickGapMax
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
        let least = planner.model.leastBytes.addingClamped(
            planner.model.threadBytes(worker.threadCount))
        guard worker.memoryBudgetBytes >= least else {
            let reason =
                "one layer needs \(ByteCount(least)) and the worker offers "
                + "\(ByteCount(worker.memoryBudgetBytes)); raise --memory, or serve with a "
                + "smaller --context"
            return [.refuse(node: worker.node, reason: reason)]
        }
        let hold = hold(worker)
        roster.append(
            Member(
                info: worker, silence: Silence(gapMax: tickGapMax, now: now),
                correction: rememberedCorrection(of: worker), cutOff: hold))
        if hold == nil {
            lastJoin = now
            firstJoin = firstJoin ?? now
        }
        shortage = nil
        isStale = true
        return startAnew(for: worker) + proceed()
    }

    /// Anything at all has come from a worker at `time`, which may be a while ago.
    package mutating func heard(node: NodeID, at time: Duration) {
        guard let index = roster.firstIndex(where: { $0.info.node == node }) else { return }
        roster[index].silence.heard(at: time)
    }

    /// A worker's link has ended; `hasLeft` if it said that it would.
    package mutating func lost(
        node: NodeID, hasLeft: Bool = false, now: Duration
    ) -> [MembershipDirective] {
        advance(to: now)
        return drop(node, hasLeft: hasLeft) + proceed()
    }

    /// A worker has loaded its stage of plan `epoch`. An older epoch's word counts for nothing.
    package mutating func ready(
        node: NodeID, epoch: UInt32, now: Duration
    ) -> [MembershipDirective] {
        advance(to: now)
        heard(node: node, at: now)
        guard var current = assignment, current.epoch == epoch,
            let index = current.waitingFor.firstIndex(of: node)
        else { return [] }
        current.waitingFor.remove(at: index)
        assignment = current
        progress.at = self.now
        guard current.waitingFor.isEmpty else { return [] }
        isStale = true
        upSince = self.now
        comparedAt = self.now
        usualWorkers = current.plan.stages.map(\.name)
        takeAsReached(current.plan)
        // Nobody is released before the next tick: the coordinator may not reach the first stage.
        return [.pipelineUp(epoch: epoch)]
    }

    /// Those whose stages are still being loaded.
    package var loadingNodes: [NodeID] { assignment?.waitingFor ?? [] }

    /// Time has passed: drops silent workers, plans when the settling time is over, takes in those
    /// that came late, and moves layers off those that have become slow. What failed is tried again
    /// for those that have to go. `isIdle` while no request runs or waits; `movedBytes` is what
    /// workers have been shipped and have loaded so far, nil if that is not known.
    package mutating func tick(
        isIdle: Bool = false, movedBytes: Int? = nil, now: Duration
    ) -> [MembershipDirective] {
        advance(to: now)
        if let movedBytes, movedBytes != progress.byteCount {
            progress = (movedBytes, self.now)
        }
        var directives: [MembershipDirective] = []
        let silences = roster.indices.map { index in
            (roster[index].info.node, roster[index].silence.length(now: now))
        }
        for (node, length) in silences where length >= heartbeatTimeout {
            directives += lose(node, reason: "nothing heard for \(length.components.seconds) s")
        }
        directives += endStandstill()
        retryIfDue()
        if isIdle { reconsiderIfDue() }
        noteDrift()
        retryCutOffs()
        return directives + proceed(isIdle: isIdle)
    }

    /// Gives those up who live, but do not get on with what the others wait for: a disk may hang.
    private mutating func endStandstill() -> [MembershipDirective] {
        guard now - progress.at >= Self.standstillMax else { return [] }
        let minutes = Self.standstillMax.components.seconds / 60
        if let next = preparation {
            let names = next.plan.stages.filter { next.waitingFor.contains($0.node) }.map(\.name)
            let verb = names.count == 1 ? "does" : "do"
            return failPreparation(
                "\(names.joined(separator: ", ")) \(verb) not get on, for \(minutes) min")
        }
        return loadingNodes.flatMap {
            lose($0, reason: "its stage has not loaded, and nothing moved for \(minutes) min")
        }
    }

    mutating func lose(_ node: NodeID, reason: String) -> [MembershipDirective] {
        [.disconnect(node: node, reason: reason)] + drop(node, hasLeft: false)
    }

    mutating func advance(to time: Duration) { now = max(now, time) }

    /// Forgets a worker; takes the pipeline down if it ran a stage.
    mutating func drop(_ node: NodeID, hasLeft: Bool) -> [MembershipDirective] {
        guard let index = roster.firstIndex(where: { $0.info.node == node }) else { return [] }
        let member = roster.remove(at: index)
        let name = member.info.name
        rememberCorrection(of: member)
        shortage = nil
        links = links.filter { $0.key.from != node && $0.key.to != node }
        forgetCutOffs(seenBy: node)
        isStale = true
        if roster.isEmpty {
            isGathering = true
            firstJoin = nil
        }
        let reason = "worker \(name) \(hasLeft ? "has left" : "was lost")"
        let isAwaited = preparation?.plan.hasStage(on: node) == true
        let abandoned = isAwaited ? cancelPreparation(reason) : []
        assignment?.plan.leftOut.removeAll { $0.node == node }
        // Others may have been lost with it, and the plan is gone with the first of them.
        let hadStage = (assignment?.plan ?? fallen)?.hasStage(on: node) == true
        // It may be for what it is shipped that it is lost.
        if hadStage || isAwaited, !hasLeft { noteLoss(of: member.info) }
        guard let current = assignment, current.plan.hasStage(on: node) else { return abandoned }
        return abandoned + takeDown(reason, isLoss: !hasLeft)
    }

    mutating func takeDown(_ reason: String, isLoss: Bool) -> [MembershipDirective] {
        fallen = assignment?.plan ?? fallen
        assignment = nil
        lastLoss = reason
        return [.pipelineDown(reason: reason, isLoss: isLoss)] + endPreparation(reason)
    }
}
