// SPDX-License-Identifier: Apache-2.0

import Wire

extension Membership {
    /// A new plan if there is none and it is time for one.
    mutating func planIfDue() -> [MembershipDirective] {
        // A plan that failed fails again until somebody joins.
        guard assignment == nil, shortage == nil, !roster.isEmpty, isDue else { return [] }
        guard case .success(let plan) = makePlan() else { return [] }
        return assign(plan)
    }

    /// After the first plan there is no more waiting for others.
    private var isDue: Bool {
        if epoch > 0 { return true }
        if let expectedWorkers { return roster.count >= expectedWorkers }
        return now - lastJoin >= settle
            || hasUsualWorkers && (arePathsKnown || now - lastJoin >= pathPatience)
    }

    private var arePathsKnown: Bool { roster.allSatisfy { $0.path != nil } }

    /// Whether all who served last time have joined.
    private var hasUsualWorkers: Bool {
        var names = roster.map(\.info.name)
        for name in usualWorkers {
            guard let index = names.firstIndex(of: name) else { return false }
            names.remove(at: index)
        }
        return !usualWorkers.isEmpty
    }

    mutating func makePlan() -> Result<Plan, PlannerFailure> {
        // By name, not by arrival: the next start then gives everyone the layers it has cached.
        let workers = roster.sorted { MemberInfo.precedes($0.info, $1.info) }.map(plannerWorker)
        for index in roster.indices { roster[index].isConsidered = true }
        do throws(PlannerFailure) {
            let plan = try planner.plan(workers: workers, links: links)
            shortage = nil
            return .success(plan)
        } catch {
            shortage = error
            return .failure(error)
        }
    }

    mutating func assign(_ plan: Plan) -> [MembershipDirective] {
        epoch += 1
        assignment = Assignment(
            epoch: epoch, plan: plan, since: now, waitingFor: plan.stages.map(\.node))
        return [.assign(epoch: epoch, plan)]
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
            guard passed >= loadTimeout else { return waiting }
            return waiting + ", for \(passed.components.seconds / 60) min already"
        }
        let late = roster.filter { !$0.isConsidered }
            .map { "\($0.info.name) is taken in once nothing runs" }
        let leftOut = assignment.plan.leftOut.map { "\($0.name) is left out: \($0.reason)" }
        return (late + leftOut).joined(separator: "; ")
    }

    private var detailWithoutPlan: String {
        let loss = lastLost.map { "worker \($0) was lost; " } ?? ""
        if roster.isEmpty { return loss + "waiting for workers to join" }
        if let shortage { return loss + "\(shortage)" }
        if let expectedWorkers {
            return loss + "\(roster.count) of \(expectedWorkers) workers have joined"
        }
        return loss
            + "waiting \(settle.components.seconds) s for more workers, \(roster.count) joined"
    }
}
