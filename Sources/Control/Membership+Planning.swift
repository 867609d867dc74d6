// SPDX-License-Identifier: Apache-2.0

import Wire

extension Membership {
    /// A new plan if there is none and it is time for one: over those that stay and can be reached,
    /// or if they can't hold the model also over those that leave, then over those that others
    /// could not reach a while ago.
    mutating func planIfDue() -> [MembershipDirective] {
        // A plan that failed fails again until somebody joins.
        guard assignment == nil, shortage == nil, !roster.isEmpty, isDue else { return [] }
        if case .success(let plan) = makePlan() { return assign(plan) }
        let failure = shortage
        if roster.contains(where: \.isLeaving),
            case .success(let plan) = makePlan(withLeaving: true)
        {
            return assign(plan)
        }
        if roster.contains(where: mayBeTried),
            case .success(let plan) = makePlan(withLeaving: true, withCutOff: true)
        {
            return assign(plan)
        }
        for index in roster.indices where mayBeTried(roster[index]) {
            roster[index].cutOff?.since = now
        }
        shortage = failure
        return rest()
    }

    /// Those that had stages of a plan that is over would wait for the next one, and then take
    /// each other for lost.
    private mutating func rest() -> [MembershipDirective] {
        guard !isAtRest else { return [] }
        isAtRest = true
        lastEpoch += 1
        epoch = lastEpoch
        return [.rest(epoch: epoch)]
    }

    /// Where there are survivors they don't wait for others.
    private var isDue: Bool {
        if epoch > 0, !isGathering { return true }
        let expected = epoch == 0 ? expectedWorkers : nil
        let isComplete = expected.map { roster.count >= $0 } ?? hasUsualWorkers(in: roster)
        if isComplete, arePathsKnown || now - lastJoin >= pathPatience { return true }
        return expected == nil && hasSettled(for: settleTime)
    }

    /// Whether others are waited for no more: one that comes and goes must not keep those who stay
    /// without a plan for ever.
    func hasSettled(for time: Duration) -> Bool {
        now - lastJoin >= time || firstJoin.map { now - $0 >= time * Self.settleCountMax } == true
    }

    private var settleTime: Duration { isGathering ? Self.gatherPatience : settle }

    private var arePathsKnown: Bool { roster.allSatisfy { $0.path != nil } }

    /// Where the others are still loading what a worker left behind that has come back, they stop:
    /// it has its layers and they have theirs, and what they lack may take minutes to ship. They do
    /// so once: one that is lost again would keep them from ever being done.
    mutating func startAnew(for worker: MemberInfo) -> [MembershipDirective] {
        guard let current = assignment, !current.waitingFor.isEmpty,
            usualWorkers.contains(worker.name), let loss = losses[worker.home], loss.count == 1,
            !loss.wasAwaited, now - loss.at < RepeatedLoss.memory,
            hasUsualWorkers(in: roster.filter { $0.cutOff == nil && !$0.isLeaving })
        else { return [] }
        losses[worker.home]?.wasAwaited = true
        isGathering = true
        firstJoin = now
        return takeDown("worker \(worker.name) is back", isLoss: false)
    }

    /// Whether all who served last time have joined.
    private func hasUsualWorkers(in roster: [Member]) -> Bool {
        var names = roster.map(\.info.name)
        for name in usualWorkers {
            guard let index = names.firstIndex(of: name) else { return false }
            names.remove(at: index)
        }
        return !usualWorkers.isEmpty
    }

    /// Over those that stay and that others can reach, and those asked for; of the workers that are
    /// cut off and not asked for the plan says why it does without them.
    mutating func makePlan(
        withLeaving: Bool = false, withCutOff: Bool = false
    ) -> Result<Plan, PlannerFailure> {
        let workers = plannerWorkers {
            (withLeaving || !$0.isLeaving)
                && (isReached($0) { withLeaving || !$0.isLeaving } || withCutOff && mayBeTried($0))
        }
        considerAll()
        do throws(PlannerFailure) {
            var plan = try planner.plan(workers: workers, links: links)
            plan.leftOut += cutOffWorkers(beside: workers)
            shortage = nil
            return .success(plan)
        } catch {
            shortage = error
            return .failure(error)
        }
    }

    mutating func considerAll() {
        for index in roster.indices { roster[index].isConsidered = true }
        firstJoin = nil
    }

    /// By name, not by arrival: the next start then gives everyone the layers it has cached.
    func plannerWorkers(where isWanted: (Member) -> Bool) -> [PlannerWorker] {
        roster.filter(isWanted).sorted { MemberInfo.precedes($0.info, $1.info) }
            .map(plannerWorker)
    }

    mutating func assign(_ plan: Plan) -> [MembershipDirective] {
        lastEpoch += 1
        epoch = lastEpoch
        hindrance = nil
        isAtRest = false
        isGathering = false
        progress.at = now
        assignment = assignment(of: plan, corrections: presentCorrections)
        drift.planChanged()
        preparation = nil
        // Who is lost while the first one loads is waited for like one that has served.
        if epoch == 1 { usualWorkers = plan.stages.map(\.name) }
        return [.assign(epoch: epoch, plan)]
    }

    /// Of the present epoch, nothing of which is loaded.
    func assignment(of plan: Plan, corrections: [NodeID: Double]) -> Assignment {
        let nodes = plan.stages.map(\.node)
        let hosts = nodes.map { node in roster.first { $0.info.node == node }?.info.host }
        return Assignment(
            epoch: epoch, plan: plan, since: now, waitingFor: nodes, corrections: corrections,
            isAlone: hosts.map { host in host == nil || hosts.count { $0 == host } == 1 })
    }

    /// Where the cluster stands, in one word.
    package var state: MembershipState {
        guard let assignment else { return epoch == 0 ? .starting : .degraded }
        return assignment.waitingFor.isEmpty ? .ready : .loading
    }

    /// One line for people: what is being waited for, or who is left out.
    package var detail: String {
        guard let assignment else { return detailWithoutPlan }
        guard assignment.waitingFor.isEmpty else {
            let names = assignment.plan.stages
                .filter { assignment.waitingFor.contains($0.node) }.map(\.name)
            let waiting = "waiting for \(names.joined(separator: ", ")) to load"
            let passed = now - assignment.since
            let time =
                passed < Self.loadTimeout
                ? "" : ", for \(passed.components.seconds / 60) min already"
            return ([waiting + time] + cutOffNotes).joined(separator: "; ")
        }
        let late = roster.filter { !$0.isConsidered && !$0.isLeaving && $0.cutOff == nil }
            .map { "\($0.info.name) is taken in if the plan gains from it" }
        let leftOut = assignment.plan.leftOut.filter {
            preparation?.plan.hasStage(on: $0.node) != true
        }.map { "\($0.name) is left out: \($0.reason)" }
        return (changes + late + leftOut).joined(separator: "; ")
    }

    private var detailWithoutPlan: String {
        let loss = lastLoss.map { $0 + "; " } ?? ""
        if roster.isEmpty { return loss + "waiting for workers to join" }
        if let shortage {
            let notes = cutOffNotes
            guard !notes.isEmpty else { return loss + "\(shortage)" }
            return (notes + ["without what is cut off \(shortage)"]).joined(separator: "; ")
        }
        if epoch == 0, let expectedWorkers {
            return loss + "\(roster.count) of \(expectedWorkers) workers have joined"
        }
        guard epoch == 0 || isGathering else { return loss + "making a plan" }
        return loss
            + "waiting \(settleTime.components.seconds) s for more workers, \(roster.count) joined"
    }
}
