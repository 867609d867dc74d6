// SPDX-License-Identifier: Apache-2.0

/// That a worker was lost with a stage, or while it was to have one, and how often of late.
///
/// One that dies of its stage, as for lack of memory, and is started again by its system would take
/// the pipeline down each time that it is taken in, twice. The first time it may come back at once;
/// after that the others serve without it if they can, for as long as one that can't be reached.
struct RepeatedLoss: Sendable {
    /// After which a loss is the first one again.
    static let memory = CutOff.patienceMax * 2

    var count: Int
    var at: Duration
    /// How long it is left out from then on.
    var patience: Duration
    /// Whether others have stopped loading when it was back.
    var wasAwaited = false

    init(at time: Duration) {
        count = 1
        at = time
        patience = .zero
    }

    mutating func repeated(at time: Duration) {
        count += 1
        at = time
        patience = max(CutOff.patience, min(patience * 2, CutOff.patienceMax))
    }
}

extension Membership {
    /// Several workers of one name on one machine that go together are one loss.
    mutating func noteLoss(of worker: MemberInfo) {
        losses = losses.filter { now - $0.value.at < RepeatedLoss.memory }
        let home = worker.home
        guard let earlier = losses[home] else { return losses[home] = RepeatedLoss(at: now) }
        if now - earlier.at >= heartbeatTimeout { losses[home]?.repeated(at: now) }
    }

    /// Why one that has joined is left out for a while where others have a plan; nil if it is not.
    func hold(_ worker: MemberInfo) -> CutOff? {
        guard assignment != nil, let loss = losses[worker.home], now - loss.at < loss.patience
        else { return nil }
        return CutOff(
            witness: nil, reason: "it was lost \(loss.count) times lately; see its log",
            since: loss.at, until: loss.at + loss.patience)
    }
}
