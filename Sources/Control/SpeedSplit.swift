// SPDX-License-Identifier: Apache-2.0

/// The fastest splits of a model's layers over workers in a given order.
///
/// Dynamic programming over (workers, layers), first for the least time that the slowest stage can
/// have, then for the least sum of stages and hops in which no stage is slower than that, or than
/// some times that: between the two ends lie the splits among which a step in flight more or less
/// is the best. A worker may be left out. The two may be for different loads: a prompt's parts
/// follow each other through the stages, so its time is the slowest stage's; a stream's tokens do
/// not.
struct SpeedSplit {
    /// A worker at its place in the order.
    struct Seat {
        /// For the load that the stages' sum is for.
        var times: StageTable
        /// By where a stage ends: the first layer it can begin with, given the worker's memory; the
        /// end itself where there is room for none.
        var firstLayers: [Int]
        /// The hop that brings a step here from the worker before.
        var hopSeconds = 0.0
        /// The same from the coordinator, to a first stage; and back to it, from a last one.
        var entrySeconds = 0.0
        var exitSeconds = 0.0
        /// May not be left out.
        var mustServe = false
    }

    /// A split with the slack that suffices to find it.
    struct Found {
        /// One for each seat, empty for those left out.
        var ranges: [Range<Int>]
        var slack: Double
    }

    /// Slower than the slowest stage has to be by so much is as good: it spares a stage, or a hop.
    static let slack = 1.02

    let layerCount: Int

    /// For each of `slacks` the split with the least sum in which no stage takes so many times
    /// longer than the slowest has to, by the times `capped`, of another load or of the same. None
    /// where memory does not suffice.
    func found(_ seats: [Seat], capped: [StageTable], slacks: [Double]) -> [Found] {
        guard slacks != [.infinity] else {
            let ranges = leastSum(seats, capped: capped, limit: .infinity)
            return ranges.map { [Found(ranges: $0, slack: .infinity)] } ?? []
        }
        let least = slowest(seats, capped)
        guard least < .infinity else { return [] }
        return slacks.compactMap { slack -> Found? in
            let limit = slack < .infinity ? least * slack : .infinity
            guard let ranges = leastSum(seats, capped: capped, limit: limit) else { return nil }
            let longest = zip(capped, ranges).reduce(0.0) { seconds, stage in
                stage.1.isEmpty ? seconds : max(seconds, stage.0[stage.1])
            }
            return Found(ranges: ranges, slack: min(slack, longest / least * Self.slack))
        }
    }

    /// The least time of the slowest stage over all splits that fit.
    private func slowest(_ seats: [Seat], _ times: [StageTable]) -> Double {
        var best = [Double](repeating: .infinity, count: layerCount + 1)
        best[0] = 0
        for (seat, times) in zip(seats, times) {
            var next = seat.mustServe ? best.map { _ in .infinity } : best
            for end in 1...layerCount {
                for begin in stride(from: end - 1, through: seat.firstLayers[end], by: -1) {
                    let seconds = times[begin..<end]
                    // Longer ranges only take longer.
                    guard seconds < next[end] else { break }
                    next[end] = min(next[end], max(best[begin], seconds))
                }
            }
            best = next
        }
        return best[layerCount]
    }

    private func leastSum(
        _ seats: [Seat], capped: [StageTable], limit: Double
    ) -> [Range<Int>]? {
        var best = [Double](repeating: .infinity, count: layerCount + 1)
        best[0] = 0
        var starts = SplitStarts()
        for (seat, capped) in zip(seats, capped) {
            var next = seat.mustServe ? best.map { _ in .infinity } : best
            var start = Array(0...layerCount)
            let nearest = min(seat.entrySeconds, seat.hopSeconds)
            for end in 1...layerCount {
                let exit = end == layerCount ? seat.exitSeconds : 0
                for begin in stride(from: end - 1, through: seat.firstLayers[end], by: -1) {
                    let seconds = seat.times[begin..<end] + exit
                    // As above; and whoever stands before takes no less than nothing.
                    guard capped[begin..<end] <= limit, nearest + seconds < next[end]
                    else { break }
                    let hop = begin == 0 ? seat.entrySeconds : seat.hopSeconds
                    let sum = best[begin] + hop + seconds
                    if sum < next[end] {
                        next[end] = sum
                        start[end] = begin
                    }
                }
            }
            best = next
            starts.append(start)
        }
        return best[layerCount] < .infinity ? starts.ranges(layerCount: layerCount) : nil
    }
}
