// SPDX-License-Identifier: Apache-2.0

import Wire

/// Orders of workers: of a few workers every order is tried, of more those that swaps lead to. An
/// order is only left for one that gains `gainMin`.
extension SpeedPlanner {
    /// Two workers change places only if a plan gains this from it, and what is looked for first
    /// is only left for this.
    static let gainMin = 0.02
    /// Splits tried for better orders, by one aim.
    private static let trialsMax = 300
    /// So few workers are tried in every order.
    private static let permutedMax = 5
    /// And so few with every aim.
    private static let fullyTriedMax = 4

    /// Better orders are looked for by the first aim and by the one that proves best: to try all of
    /// them in every order would take too long.
    func bestCandidate() -> Candidate? {
        let first = initialOrder
        // Where that does not fit, two workers may have to move at once, which no swap would find.
        var best = bestSplit(in: first)
        for order in workers.ordersWithRoomyEnds where best == nil { best = bestSplit(in: order) }
        let bound = boundToPlace
        guard !workers.dropFirst().allSatisfy({ areAlike($0, workers[0], bound) }) else {
            return best
        }
        if workers.count <= Self.fullyTriedMax {
            for order in permutations(first) { offer(bestSplit(in: order), to: &best) }
            return best
        }
        let firstAim = Aim(load: 0, slack: slacks[0])
        offer(improved(from: best?.order ?? first, firstAim, bound), to: &best)
        if let found = best, found.aim != firstAim {
            offer(improved(from: found.order, found.aim, bound), to: &best)
        }
        return best
    }

    /// The best order that is found by one aim from a given one on, with the best of its splits.
    private func improved(
        from first: [Int], _ aim: Aim, _ bound: Set<NodeID>
    ) -> Candidate? {
        guard let found = searched(from: first, aim, bound) else { return nil }
        guard let best = bestSplit(in: found.order), best.seconds < found.seconds
        else { return found }
        return best
    }

    private func searched(
        from first: [Int], _ aim: Aim, _ bound: Set<NodeID>
    ) -> Candidate? {
        func found(_ order: [Int]) -> Candidate? {
            candidates(order, load: aim.load, slacks: [aim.slack]).first
        }
        var best = found(first)
        if workers.count <= Self.permutedMax {
            for order in permutations(first) { offer(found(order), to: &best) }
            return best
        }
        var trials = 0
        while trials < Self.trialsMax {
            let order = best?.order ?? first
            var next = best
            for (a, b) in pairs(workers.count) where trials < Self.trialsMax {
                guard !areAlike(workers[order[a]], workers[order[b]], bound) else { continue }
                trials += 1
                var swapped = order
                swapped.swapAt(a, b)
                offer(found(swapped), to: &next)
            }
            guard let next, next.order != best?.order else { break }
            best = next
        }
        return best
    }

    private func offer(_ next: Candidate?, to best: inout Candidate?) {
        guard let next else { return }
        if best.map({ isBetter(next, than: $0) }) ?? true { best = next }
    }

    func isBetter(_ a: Candidate, than b: Candidate) -> Bool {
        a.seconds < b.seconds * (1 - Self.gainMin)
    }

    private func permutations(_ order: [Int]) -> [[Int]] {
        guard order.count > 1 else { return [order] }
        return order.indices.flatMap { index in
            var rest = order
            let head = rest.remove(at: index)
            return permutations(rest).map { [head] + $0 }
        }
    }

    /// The last place first: it has the head. Then the first, which has the embedding.
    private func pairs(_ count: Int) -> [(Int, Int)] {
        let last = (0..<max(0, count - 1)).map { ($0, count - 1) }
        let first = (1..<max(1, count - 1)).map { (0, $0) }
        guard count <= 16 else { return last + first }
        let others = (1..<count - 2).flatMap { a in (a + 1..<count - 1).map { (a, $0) } }
        return last + first + others
    }

    /// As the workers come, but with those of a machine behind its first.
    private var initialOrder: [Int] {
        var order: [Int] = []
        for index in workers.indices where !order.contains(index) {
            order.append(index)
            order += workers.indices.filter {
                $0 > index && !order.contains($0) && workers[$0].sharesHost(with: workers[index])
            }
        }
        return order
    }

    /// Workers for whom it matters beside whom they stand: those that share a machine, and those
    /// with a measured link, on either end of it.
    private var boundToPlace: Set<NodeID> {
        let sharing = workers.filter { worker in
            workers.contains { $0.node != worker.node && $0.sharesHost(with: worker) }
        }
        return links.keys.reduce(into: Set(sharing.map(\.node))) {
            $0.formUnion([$1.from, $1.to])
        }
    }

    /// Whether a swap of the two can change nothing.
    private func areAlike(
        _ a: PlannerWorker, _ b: PlannerWorker, _ boundToPlace: Set<NodeID>
    ) -> Bool {
        WorkerRates(a) == WorkerRates(b) && a.memoryBudgetBytes == b.memoryBudgetBytes
            && a.path == b.path && !boundToPlace.contains(a.node)
            && !boundToPlace.contains(b.node)
    }
}
