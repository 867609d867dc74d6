// SPDX-License-Identifier: Apache-2.0

import Wire

/// Orders of workers: of a few workers every order is tried, of more those that swaps lead to. An
/// order is only left for one that gains `gainMin`.
extension SpeedPlanner {
    /// Two workers change places only if a plan gains this from it.
    private static let gainMin = 0.02
    /// Splits tried for better orders.
    private static let trialsMax = 300
    /// So few workers are tried in every order.
    private static let permutedMax = 5

    func bestCandidate() -> Candidate? {
        let first = initialOrder
        var best = candidate(first)
        func offer(_ order: [Int], to best: inout Candidate?) {
            guard let next = candidate(order) else { return }
            if best.map({ isBetter(next, than: $0) }) ?? true { best = next }
        }
        let bound = boundToPlace
        guard !workers.dropFirst().allSatisfy({ areAlike($0, workers[0], bound) }) else {
            return best
        }
        if workers.count <= Self.permutedMax {
            for order in permutations(first) { offer(order, to: &best) }
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
                offer(swapped, to: &next)
            }
            guard let next, next.order != best?.order else { break }
            best = next
        }
        return best
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

    private func isBetter(_ a: Candidate, than b: Candidate) -> Bool {
        let factor = 1 - Self.gainMin
        if goal.objective == .throughput {
            if a.slowest < b.slowest * factor { return true }
            guard a.slowest <= b.slowest * SpeedSplit.slack else { return false }
        }
        return a.sum < b.sum * factor
    }
}
