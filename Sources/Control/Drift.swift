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
    /// After which another plan is made.
    private static let patience = Duration.seconds(60)
    private static let patienceMax = Duration.seconds(960)
    /// A box may be slow just for what the plan gave it: each plan in a row comes later.
    private static let memory = Duration.seconds(1800)

    /// Steps have come back since the latest look.
    var hasSteps = false
    private var length = Duration.zero
    private var lastLook = Duration.zero
    private var lastPlan: Duration?
    private var patience = Self.patience

    /// Looks at the latest steps, if there were any; `isAway` says what they showed.
    mutating func look(isAway: Bool, now: Duration) {
        guard hasSteps else { return }
        hasSteps = false
        length = isAway ? length + min(now - lastLook, Self.gapMax) : .zero
        lastLook = now
    }

    var isDue: Bool { length >= patience }

    /// Another plan has been compared with the present one, and `isBetter` if it is to take over.
    mutating func compared(isBetter: Bool, now: Duration) {
        length = .zero
        guard isBetter else { return }
        let isRepeated = lastPlan.map { now - $0 < Self.memory } ?? false
        patience = isRepeated ? min(patience * 2, Self.patienceMax) : Self.patience
        lastPlan = now
    }
}

extension Membership {
    /// The corrections that a plan is made with, and those that its stages are measured by.
    var presentCorrections: [NodeID: Double] {
        let known = roster.map { ($0.info.node, correction(of: $0.info.node)) }
        return Dictionary(known) { first, _ in first }
    }

    /// Compares the plan anew with what its own steps have shown.
    mutating func noteDrift() {
        guard let plan, assignment?.waitingFor.isEmpty == true, preparation == nil else { return }
        let isAway = drift.hasSteps && unevenness != nil
        drift.look(isAway: isAway, now: now)
        // What failed is tried again, but not at once.
        if drift.isDue, failedAt == nil, plan.stages.count > 1 { isStale = true }
    }

    /// Why the plan's stages are no longer as even as they were planned; nil if they are.
    ///
    /// What all have in common, as on a machine that they share, moves no layer.
    var unevenness: String? {
        guard let assignment else { return nil }
        let stages = assignment.plan.stages.compactMap { stage in
            assignment.corrections[stage.node].map {
                (name: stage.name, ratio: correction(of: stage.node) / $0)
            }
        }
        guard let slowest = stages.max(by: { $0.ratio < $1.ratio }),
            let fastest = stages.min(by: { $0.ratio < $1.ratio }),
            slowest.ratio >= fastest.ratio * Drift.ratioMin
        else { return nil }
        let percent = Int(((slowest.ratio / fastest.ratio - 1) * 100).rounded())
        return "\(slowest.name) has become \(percent) % slower beside \(fastest.name)"
    }
}
