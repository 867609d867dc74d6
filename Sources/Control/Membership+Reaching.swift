// SPDX-License-Identifier: Apache-2.0

package import Wire

/// Workers that live but can't reach each other: the link between two machines is cut, or a
/// firewall closes the port for data links.
extension Membership {
    /// Others can't reach a worker.
    struct CutOff: Sendable {
        /// For people.
        let reason: String
        /// When it is tried again.
        let until: Duration
    }

    /// A worker that others can't reach is tried again after this time, twice that the next time
    /// and so on up to the other, or when it joins again. Each attempt that fails interrupts every
    /// stream for seconds.
    static let cutOffPatience = Duration.seconds(30)
    static let cutOffPatienceMax = Duration.seconds(960)

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
        return cutOff(stages[place + 1].node, from: stages[place].name)
    }

    /// The coordinator has no way to the first stage of plan `epoch`.
    package mutating func firstStageOutOfReach(
        epoch: UInt32, now: Duration
    ) -> [MembershipDirective] {
        advance(to: now)
        guard self.epoch == epoch, let first = plan?.stages.first else { return [] }
        return cutOff(first.node, from: "the coordinator")
    }

    private mutating func cutOff(_ node: NodeID, from other: String) -> [MembershipDirective] {
        guard let index = roster.firstIndex(where: { $0.info.node == node }) else { return [] }
        let info = roster[index].info
        let reason =
            "\(other) can't reach it at \(info.dataAddress); open that port (--data-listen)"
        let patience = roster[index].cutOffPatience
        roster[index].cutOff = CutOff(reason: reason, until: now + patience)
        roster[index].cutOffPatience = min(patience * 2, Self.cutOffPatienceMax)
        shortage = nil
        isStale = true
        return takeDown("\(other) can't reach worker \(info.name)", isLoss: true) + proceed()
    }

    /// Those that a plan over all others does without.
    func cutOffWorkers(withLeaving: Bool) -> [LeftOutWorker] {
        roster.filter { withLeaving || !$0.isLeaving }.compactMap { member in
            member.cutOff.map {
                LeftOutWorker(node: member.info.node, name: member.info.name, reason: $0.reason)
            }
        }
    }

    /// Those that could not be reached for long are late workers again.
    mutating func retryCutOffs() {
        for index in roster.indices {
            guard let cutOff = roster[index].cutOff, now >= cutOff.until else { continue }
            roster[index].cutOff = nil
            roster[index].isConsidered = false
            isStale = true
        }
    }
}
