// SPDX-License-Identifier: Apache-2.0

package import Wire

/// Changing the plan under running streams: the next plan is prepared beside the present one, then
/// takes over.
///
/// ready --a worker is to leave, one that came gains enough, or steps have drifted from the plan-->
///       ready, preparing
///       --all of the next plan's workers have their blobs--> pipeline down, assigned (loading)
///       --all have loaded--> pipeline up, leaving workers released.
/// The loss of a worker of the next plan ends the preparation; of the present plan, both.
extension Membership {
    /// A plan that takes in a late worker, or moves layers off a slow one, must promise this much
    /// more than the present one: a change interrupts every stream for a moment.
    package static let gainMin = 1.1

    /// An operator asks for a worker's layers to be moved; `worker` is its name, or its address for
    /// data links. Throws why they are not. Asked again after a failure, it is tried again.
    package mutating func drain(
        worker: String, now: Duration
    ) throws(DrainRefusal) -> [MembershipDirective] {
        advance(to: now)
        let index = try index(of: worker)
        let info = roster[index].info
        let hasFailed = preparation == nil && hindrance != nil
        guard !roster[index].isLeaving || hasFailed else { throw .drainingAlready(info.name) }
        guard let current = assignment, current.waitingFor.isEmpty else {
            throw .notReady(info.name, detail)
        }
        var next: Plan?
        if current.plan.hasStage(on: info.node) {
            let stays: (Member) -> Bool = { !$0.isLeaving && $0.info.node != info.node }
            let staying = plannerWorkers { stays($0) && isReached($0, by: stays) }
            guard !staying.isEmpty else { throw .lastWorker(info.name) }
            do throws(PlannerFailure) {
                next = try planner.plan(workers: staying, links: links)
            } catch {
                throw .shortage(info.name, error)
            }
        }
        return leave(index, next: next)
    }

    private func index(of worker: String) throws(DrainRefusal) -> Int {
        if let index = roster.firstIndex(where: { $0.info.dataAddress == worker }) { return index }
        let found = roster.indices.filter { roster[$0].info.name == worker }
        guard found.count <= 1 else {
            throw .ambiguous(worker, addresses: found.map { roster[$0].info.dataAddress })
        }
        guard let index = found.first else {
            throw .unknownWorker(worker, known: roster.map(\.info.name).sorted())
        }
        return index
    }

    /// A worker says that it will leave soon: its layers move first if they can.
    package mutating func leaving(node: NodeID, now: Duration) -> [MembershipDirective] {
        advance(to: now)
        guard let index = roster.firstIndex(where: { $0.info.node == node }) else { return [] }
        roster[index].hasToGo = true
        return roster[index].isLeaving ? [] : leave(index)
    }

    /// `next` is the plan over those that stay, where it has been made already.
    private mutating func leave(_ index: Int, next: Plan? = nil) -> [MembershipDirective] {
        roster[index].isLeaving = true
        isStale = true
        let isAwaited = preparation?.plan.hasStage(on: roster[index].info.node) == true
        let abandoned =
            isAwaited ? cancelPreparation("worker \(roster[index].info.name) is to leave") : []
        return abandoned + proceed(next: next)
    }

    /// A worker has the blobs of its stage of the plan being prepared or, as `failure` says, can't
    /// have them.
    package mutating func prepared(
        node: NodeID, epoch: UInt32, failure: String? = nil, now: Duration
    ) -> [MembershipDirective] {
        advance(to: now)
        guard var next = preparation, next.epoch == epoch,
            let index = next.waitingFor.firstIndex(of: node)
        else { return [] }
        if let failure {
            return failPreparation(
                "\(next.plan.stages.first { $0.node == node }?.name ?? ""): \(failure)")
        }
        next.waitingFor.remove(at: index)
        preparation = next
        progress.at = self.now
        guard next.waitingFor.isEmpty else { return [] }
        hindrance = nil
        // Shipping may have taken long, and who was slow be so no more.
        guard next.reason == nil || isStillBetter(next.plan) else {
            return endPreparation("by now it would gain too little")
        }
        preparation = nil
        precondition(epoch == lastEpoch, "a newer plan ends a preparation")
        self.epoch = epoch
        assignment = assignment(of: next.plan, corrections: next.corrections)
        drift.planChanged()
        return [
            .pipelineDown(reason: "the plan changed", isLoss: false),
            .assign(epoch: epoch, next.plan),
        ]
    }

    /// One of those whom the next plan was for goes: the others are worth another plan.
    mutating func cancelPreparation(_ reason: String) -> [MembershipDirective] {
        considerSparesAnew()
        return endPreparation(reason)
    }

    mutating func failPreparation(_ reason: String) -> [MembershipDirective] {
        failedAt = now
        hindrance = reason
        return endPreparation(reason)
    }

    /// Forgets the plan that was being prepared, if there is one.
    mutating func endPreparation(_ reason: String) -> [MembershipDirective] {
        defer { preparation = nil }
        return preparation.map { [.abandon(epoch: $0.epoch, reason: reason)] } ?? []
    }

    /// Whatever can be done now, after something has happened. `next` is the plan over those that
    /// stay, where it has been made already: for large clusters that takes a while.
    mutating func proceed(isIdle: Bool = false, next: Plan? = nil) -> [MembershipDirective] {
        let planned = planIfDue()
        let released = releaseIfPossible()
        return planned + released + prepareIfDue(isIdle: isIdle, next) + letGoIfIdle(isIdle)
    }

    /// Releases those that run no stage any more once the plan without them serves.
    private mutating func releaseIfPossible() -> [MembershipDirective] {
        roster.filter(\.isLeaving).flatMap { member -> [MembershipDirective] in
            let node = member.info.node
            let isFree = assignment.map { $0.waitingFor.isEmpty && !$0.plan.hasStage(on: node) }
            // Without a plan nothing depends on it: even with it there is too little memory.
            guard isFree ?? member.hasToGo else { return [] }
            return drop(node, hasLeft: true) + [.release(node: node)]
        }
    }

    /// Begins to prepare another plan if a stage is to move or a late worker is worth it.
    private mutating func prepareIfDue(isIdle: Bool, _ made: Plan?) -> [MembershipDirective] {
        guard let current = assignment, current.waitingFor.isEmpty, preparation == nil, isStale
        else { return [] }
        guard !roster.contains(where: { $0.isLeaving && current.plan.hasStage(on: $0.info.node) })
        else { return prepareWithoutLeaving(made) }
        let late = roster.filter { !$0.isConsidered }.map(\.info)
        let reason = drift.reason
        guard !late.isEmpty || reason != nil else {
            isStale = false
            hindrance = nil
            firstJoin = nil
            return []
        }
        // Others may follow at once; and streams are not interrupted again and again.
        guard hasSettled(for: settle), isIdle || now - upSince >= Self.calm else { return [] }
        isStale = false
        comparedAt = now
        hindrance = nil
        guard case .success(let next) = makePlan() else { return [] }
        let gain = next.stages == current.plan.stages ? 1 : gain(of: next, over: current.plan)
        if late.isEmpty { drift.compared(now: now) }
        if gain >= Self.gainMin { return prepare(next, reason: late.isEmpty ? reason : nil) }
        guard next.stages != current.plan.stages else {
            // What was predicted stays, to be measured by.
            assignment?.plan.leftOut = next.leftOut
            return []
        }
        stay(without: late, after: next, gain: gain)
        return []
    }

    /// Says why the plan goes on without those that came late.
    private mutating func stay(without late: [MemberInfo], after next: Plan, gain: Double) {
        let pages = (next: next.pageCount, present: assignment?.plan.pageCount)
        let reason = reasonToStay(gain: gain, pages: pages.next, of: pages.present)
        let known = Dictionary(next.leftOut.map { ($0.node, $0.reason) }) { first, _ in first }
        assignment?.plan.leftOut.removeAll { worker in late.contains { $0.node == worker.node } }
        assignment?.plan.leftOut += late.map { worker in
            LeftOutWorker(
                node: worker.node, name: worker.name,
                reason: known[worker.node] ?? reason)
        }
    }

    private func reasonToStay(gain: Double, pages: Int?, of present: Int?) -> String {
        if let pages, let present, pages < present {
            return "with it there would be memory for \(pages) pages of keys and values, "
                + "without for \(present)"
        }
        let percent = Int((max(0, gain - 1) * 100).rounded())
        return "the plan would gain \(percent) %, which is not worth moving layers"
    }

    private mutating func prepareWithoutLeaving(_ made: Plan?) -> [MembershipDirective] {
        isStale = false
        hindrance = nil
        if made != nil { considerAll() }
        switch made.map({ .success($0) }) ?? makePlan() {
        case .success(let next): return prepare(next)
        case .failure(let failure):
            // The present plan has what it needs.
            shortage = nil
            hindrance = "\(failure)"
            return []
        }
    }

    /// What was in the way of those that have to go may be over: a full disk, for instance. So it
    /// may for those that came late, which a busy server would else never look at again.
    mutating func retryIfDue() {
        guard let failedAt else { return }
        if now - failedAt >= Self.calm, roster.contains(where: \.hasToGo) {
            self.failedAt = nil
            isStale = true
        } else if now - failedAt >= Self.reconsideration {
            self.failedAt = nil
            considerSparesAnew()
        }
    }

    /// Compares the plan anew with one over all those that it does without for speed alone.
    mutating func reconsiderIfDue() {
        guard assignment?.waitingFor.isEmpty == true, preparation == nil,
            now - comparedAt >= Self.reconsideration
        else { return }
        comparedAt = now
        considerSparesAnew()
    }

    /// Those that can be reached and have no stage are late workers again. What steps showed of
    /// them long ago, before the plan did without them, may be over.
    private mutating func considerSparesAnew() {
        for index in roster.indices
        where roster[index].cutOff == nil && plan?.hasStage(on: roster[index].info.node) != true {
            roster[index].isConsidered = false
            isStale = true
            // Each time later: it may be slow for ever.
            if let correction = roster[index].correction,
                now - correction.at >= roster[index].correctionPatience
            {
                roster[index].correction = nil
                roster[index].correctionPatience = roster[index].correctionPatience * 2
            }
        }
    }

    /// `reason` says what is in the present plan's way, where nobody came or is to go.
    private mutating func prepare(_ plan: Plan, reason: String? = nil) -> [MembershipDirective] {
        failedAt = nil
        progress.at = now
        lastEpoch += 1
        preparation = Preparation(
            epoch: lastEpoch, plan: plan, waitingFor: plan.stages.map(\.node),
            corrections: presentCorrections, reason: reason)
        return [.prepare(epoch: lastEpoch, plan, reason: reason)]
    }

    /// Lets those go that have to, though the others can't hold the model, while nobody asks for
    /// anything.
    private mutating func letGoIfIdle(_ isIdle: Bool) -> [MembershipDirective] {
        guard isIdle, preparation == nil, assignment?.waitingFor.isEmpty == true else { return [] }
        let going = roster.filter(\.hasToGo).map(\.info.node)
        return going.flatMap { drop($0, hasLeft: true) + [.release(node: $0)] }
    }

    private func isStillBetter(_ next: Plan) -> Bool {
        guard let current = assignment?.plan else { return false }
        var next = next
        next.prediction = planner.prediction(
            of: next.stages, workers: plannerWorkers { _ in true }, links: links)
        return gain(of: next, over: current) >= Self.gainMin
    }

    /// By which factor `next` promises to be faster than `current`, all things considered.
    ///
    /// Predicted for both from the present estimates: tokens a second or, where these are no fewer,
    /// how soon the first one comes, or pages for keys and values, of which there may not be fewer.
    /// Nothing where only the present one can be predicted; where that can't, the largest stages'
    /// layers are compared.
    private func gain(of next: Plan, over current: Plan) -> Double {
        // Pages let sequences run that wait; with fewer what holds more than is left would end, and
        // nothing makes up for that.
        let pageGain = Double(next.pageCount ?? 1) / Double(max(1, current.pageCount ?? 1))
        guard pageGain >= 1 else { return pageGain }
        let workers = plannerWorkers { _ in true }
        if let before = planner.prediction(of: current.stages, workers: workers, links: links) {
            guard let after = next.prediction else { return 1 }
            let rate = planner.goal.rate(of: after) / planner.goal.rate(of: before)
            let start = before.firstTokenSeconds / after.firstTokenSeconds
            return rate < 1 / SpeedSplit.slack ? rate : max(rate, start, pageGain)
        }
        func largest(_ plan: Plan) -> Double { Double(plan.stages.map(\.layers.count).max() ?? 1) }
        return largest(current) / largest(next)
    }

    /// What a member is doing.
    package func role(of node: NodeID) -> MemberRole {
        if roster.contains(where: { $0.info.node == node && $0.isLeaving }) { return .draining }
        if assignment?.plan.hasStage(on: node) == true { return .serving }
        return preparation?.plan.hasStage(on: node) == true ? .preparing : .spare
    }

    /// Why a member can't do what it is there for; empty if nothing is in its way.
    package func note(on node: NodeID) -> String {
        if let cutOff = roster.first(where: { $0.info.node == node })?.cutOff {
            return cutOff.reason
        }
        switch role(of: node) {
        case .serving, .preparing: return ""
        case .draining: return preparation == nil ? hindrance ?? "" : ""
        case .spare:
            let reason = assignment?.plan.leftOut.first { $0.node == node }?.reason
            return reason ?? hindrance ?? ""
        }
    }

    /// The number of the plan that is being prepared.
    package var comingEpoch: UInt32? { preparation?.epoch }

    /// What is being changed, for people.
    var changes: [String] {
        let leaving = roster.filter(\.isLeaving).map(\.info.name).joined(separator: ", ")
        let verb = roster.count(where: \.isLeaving) == 1 ? "is" : "are"
        if let preparation {
            let names = preparation.plan.stages
                .filter { preparation.waitingFor.contains($0.node) }.map(\.name)
            let what =
                leaving.isEmpty
                ? preparation.reason ?? "to change the plan" : "\(leaving) \(verb) draining"
            return ["\(what): waiting for \(names.joined(separator: ", ")) to have the layers"]
        }
        if !leaving.isEmpty {
            return ["\(leaving) \(verb) draining" + (hindrance.map { ": \($0)" } ?? "")]
        }
        return hindrance.map { [$0] } ?? []
    }
}
