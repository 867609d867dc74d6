// SPDX-License-Identifier: Apache-2.0

/// How bad a split is: bytes that do not fit first, then workers left out, then the fullest worker.
///
/// The first two add up over workers and the third is a maximum, so the cheapest way to a state
/// stays part of some cheapest way through it, which dynamic programming stands on.
struct SplitCost: Comparable {
    private(set) var overrunBytes: UInt64 = 0
    private var leftOutCount = 0
    private var fill = 0.0

    static func < (a: SplitCost, b: SplitCost) -> Bool {
        if a.overrunBytes != b.overrunBytes { return a.overrunBytes < b.overrunBytes }
        if a.leftOutCount != b.leftOutCount { return a.leftOutCount < b.leftOutCount }
        return a.fill < b.fill
    }

    func leavingOut() -> SplitCost {
        var cost = self
        cost.leftOutCount += 1
        return cost
    }

    /// With one more worker that has `budget` bytes and is given `need`.
    func adding(_ need: UInt64, budget: UInt64) -> SplitCost {
        var cost = self
        if need > budget { cost.overrunBytes = overrunBytes.addingClamped(need - budget) }
        cost.fill = max(fill, Double(need) / max(Double(budget), 1))
        return cost
    }
}
