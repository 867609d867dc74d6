// SPDX-License-Identifier: Apache-2.0

package import Wire

/// That others can't reach a worker, though it lives: the way between two machines is cut, or a
/// firewall closes the port for data links.
struct CutOff: Sendable {
    /// The first time a worker is left out for this long, then for twice that and so on up to the
    /// other: each attempt that fails interrupts every stream for seconds.
    static let patience = Duration.seconds(30)
    static let patienceMax = Duration.seconds(960)
    /// A plan that can't do without it is not made again before.
    static let pause = Duration.seconds(5)

    /// Who can't reach it: an earlier stage, or the coordinator where it is nil.
    let witness: NodeID?
    /// For people.
    let reason: String
    /// When that was found, or a plan with it last tried in vain.
    var since: Duration
    /// When it is tried again even if the others suffice.
    let until: Duration
}

/// Workers that live but can't reach each other.
extension Membership {
    /// A worker has no way to the next stage of plan `epoch`, though both live.
    package mutating func stranded(
        node: NodeID, epoch: UInt32, now: Duration
    ) -> [MembershipDirective] {
        advance(to: now)
        heard(node: node, at: now)
        guard self.epoch == epoch, let stages = plan?.stages,
            let place = stages.firstIndex(where: { $0.node == node })
        else { return [] }
        guard place + 1 < stages.count else {
            return lose(node, reason: "it can't open its data link to the coordinator") + proceed()
        }
        let next = stages[place + 1].node
        let others = roster.indices.filter {
            roster[$0].cutOff?.witness == node && roster[$0].info.node != next
        }
        guard others.isEmpty else {
            // It reaches neither: the fault is its own.
            for index in others { roster[index].cutOff = nil }
            return cutOff(
                node, witness: nil, why: "it can't reach other workers", advice: "check its network"
            )
        }
        return cutOff(next, witness: node, unreachedBy: stages[place].name)
    }

    /// The coordinator has no way to the first stage of plan `epoch`.
    package mutating func firstStageOutOfReach(
        epoch: UInt32, now: Duration
    ) -> [MembershipDirective] {
        advance(to: now)
        guard self.epoch == epoch, let first = plan?.stages.first else { return [] }
        return cutOff(first.node, witness: nil, unreachedBy: "the coordinator")
    }

    private mutating func cutOff(
        _ node: NodeID, witness: NodeID?, unreachedBy name: String
    ) -> [MembershipDirective] {
        let address = roster.first { $0.info.node == node }?.info.dataAddress ?? ""
        return cutOff(
            node, witness: witness, why: "\(name) can't reach it at \(address)",
            advice: "open that port (--data-listen)")
    }

    private mutating func cutOff(
        _ node: NodeID, witness: NodeID?, why: String, advice: String
    ) -> [MembershipDirective] {
        guard let index = roster.firstIndex(where: { $0.info.node == node }) else { return [] }
        let hasServedLong =
            assignment?.waitingFor.isEmpty == true && now - upSince > roster[index].cutOffPatience
        let patience = hasServedLong ? CutOff.patience : roster[index].cutOffPatience
        roster[index].cutOffPatience = min(patience * 2, CutOff.patienceMax)
        roster[index].cutOff = CutOff(
            witness: witness, reason: "\(why); \(advice)", since: now, until: now + patience)
        shortage = nil
        isStale = true
        let loss = "worker \(roster[index].info.name) is cut off: \(why)"
        return takeDown(loss, isLoss: true) + proceed()
    }

    /// Whether those for whom `isThere` holds can reach a worker, as far as is known.
    func isReached(_ member: Member, by isThere: (Member) -> Bool) -> Bool {
        guard let cutOff = member.cutOff else { return true }
        guard let witness = cutOff.witness else { return false }
        return !roster.contains { $0.info.node == witness && isThere($0) }
    }

    /// One that `witness` alone could not reach is a late worker once that has gone.
    mutating func forgetCutOffs(seenBy witness: NodeID) {
        for index in roster.indices where roster[index].cutOff?.witness == witness {
            roster[index].cutOff = nil
            roster[index].isConsidered = false
        }
    }

    /// Whether one that is cut off may have a stage where the others can't hold the model.
    func mayBeTried(_ member: Member) -> Bool {
        member.cutOff.map { now - $0.since >= CutOff.pause } ?? false
    }

    /// A plan's stages have found each other.
    mutating func takeAsReached(_ plan: Plan) {
        for index in roster.indices where plan.hasStage(on: roster[index].info.node) {
            roster[index].cutOff = nil
        }
    }

    /// Those that a plan over all others does without.
    func cutOffWorkers(beside workers: [PlannerWorker]) -> [LeftOutWorker] {
        roster.compactMap { member in
            let isThere = workers.contains { $0.node == member.info.node }
            return isThere
                ? nil
                : member.cutOff.map {
                    LeftOutWorker(node: member.info.node, name: member.info.name, reason: $0.reason)
                }
        }
    }

    /// For people.
    var cutOffNotes: [String] {
        roster.compactMap { member in member.cutOff.map { "\(member.info.name): \($0.reason)" } }
    }

    /// Those that could not be reached for long are late workers again; where there is no plan they
    /// are tried sooner.
    mutating func retryCutOffs() {
        if assignment == nil, roster.contains(where: mayBeTried) { shortage = nil }
        for index in roster.indices {
            guard let cutOff = roster[index].cutOff, now >= cutOff.until,
                plan?.hasStage(on: roster[index].info.node) != true
            else { continue }
            roster[index].cutOff = nil
            roster[index].isConsidered = false
            isStale = true
        }
    }
}
