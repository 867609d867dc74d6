// SPDX-License-Identifier: Apache-2.0

import Wire

/// For how long the stages' times have stood in another proportion than their plan was made for.
///
/// A box slows down that somebody else works on, or was taken for faster than it is, and all others
/// wait for it. One odd step says nothing, so only time in which steps showed it again and again
/// counts.
struct Drift: Sendable {
    /// By how much more than another's a stage's time has grown, where it counts.
    static let ratioMin = 1.25
    /// Of the time between two looks at the latest steps, which may lie far apart.
    private static let gapMax = Duration.seconds(1)
    /// After which another plan is made and compared with the present one.
    private static let patience = Duration.seconds(60)
    private static let patienceMax = Duration.seconds(960)
    /// A box may be slow just for what the plan gave it, or no plan be better: after each
    /// comparison within this time the next one comes later.
    private static let memory = Duration.seconds(1800)

    /// Workers that steps have measured since the latest look. What is known of others may be what
    /// was seen of them under other loads.
    var measured: Set<NodeID> = []
    /// What the latest look has shown; nil if the stages are as planned.
    private(set) var finding: String?
    private var length = Duration.zero
    private var lastLook = Duration.zero
    private var lastComparison: Duration?
    private var patience = Self.patience

    /// What was found in the latest steps.
    mutating func looked(_ finding: String?, now: Duration) {
        measured = []
        length = finding == nil ? .zero : length + min(now - lastLook, Self.gapMax)
        lastLook = now
        self.finding = finding
    }

    /// Another plan takes over: what the latest one's steps have shown is over.
    mutating func planChanged() {
        measured = []
        finding = nil
        length = .zero
    }

    /// What is worth another plan by now.
    var reason: String? { length >= patience ? finding : nil }

    /// Another plan has been compared with the present one.
    mutating func compared(now: Duration) {
        length = .zero
        patience = min(patience * 2, Self.patienceMax)
        lastComparison = now
    }

    /// After time enough the next comparison is the first again.
    mutating func calmDown(now: Duration) {
        guard let lastComparison, now - lastComparison >= Self.memory else { return }
        self.lastComparison = nil
        patience = Self.patience
    }
}

extension Membership {
    /// The corrections that a plan is made with, and that its stages are measured by.
    var presentCorrections: [NodeID: Double] {
        let known = roster.map { ($0.info.node, correction(of: $0.info.node)) }
        return Dictionary(known) { first, _ in first }
    }

    /// Compares the plan with what its own steps have shown, and sees to it that another one is
    /// made where that is due.
    mutating func noteDrift() {
        drift.calmDown(now: now)
        guard let plan, assignment?.waitingFor.isEmpty == true, preparation == nil,
            drift.measured.count > 1
        else { return drift.measured = [] }
        drift.looked(unevenness, now: now)
        // What failed is tried again, but not at once; and who leaves changes the plan anyway.
        guard drift.reason != nil, failedAt == nil,
            !roster.contains(where: { $0.isLeaving && plan.hasStage(on: $0.info.node) })
        else { return }
        isStale = true
    }

    /// How the stages that were just measured are no longer as even as they were planned; nil if
    /// they are. What all have in common moves no layer.
    private var unevenness: String? {
        guard let assignment else { return nil }
        let stages = assignment.plan.stages.compactMap { stage in
            assignment.corrections[stage.node].flatMap { planned in
                drift.measured.contains(stage.node)
                    ? (name: stage.name, ratio: correction(of: stage.node) / planned) : nil
            }
        }.sorted { $0.ratio < $1.ratio }
        guard let fastest = stages.first, let slowest = stages.last,
            slowest.ratio >= fastest.ratio * Drift.ratioMin
        else { return nil }
        func percent(_ ratio: Double) -> Int { Int(((ratio - 1) * 100).rounded()) }
        let usual = stages[(stages.count - 1) / 2].ratio
        if stages.count > 2, usual / fastest.ratio > slowest.ratio / usual {
            return "\(fastest.name) has become \(percent(usual / fastest.ratio)) % faster beside "
                + "the others"
        }
        return "\(slowest.name) has become \(percent(slowest.ratio / fastest.ratio)) % slower "
            + "beside \(fastest.name)"
    }
}
