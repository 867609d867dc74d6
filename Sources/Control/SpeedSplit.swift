// SPDX-License-Identifier: Apache-2.0

/// The fastest split of a model's layers over workers in a given order.
///
/// Dynamic programming over (workers, layers), twice: first for the least time that the slowest
/// stage can have, then for the least sum of stages and hops in which no stage is slower than that.
/// A worker may be left out. The two may be for different loads: a prompt's parts follow each
/// other through the stages, so its time is the slowest stage's; a stream's tokens do not.
struct SpeedSplit {
    /// A worker at its place in the order.
    struct Seat {
        /// For the load that the stages' sum is for.
        var times: StageTable
        /// By where a stage ends: the first layer it can begin with, given the worker's memory; the
        /// end itself where there is room for none.
        var firstLayers: [Int]
        /// The hop that brings a step here.
        var hopSeconds = 0.0
        /// May not be left out.
        var mustServe = false
    }

    /// Slower than the slowest stage has to be by so much is as good: it spares a stage, or a hop.
    static let slack = 1.02

    let layerCount: Int

    /// A range for each seat, empty for those left out; nil where memory does not suffice.
    ///
    /// With `capped`, times of another load or of the same, no stage takes `slack` times longer for
    /// that load than the slowest has to.
    func ranges(
        _ seats: [Seat], capped: [StageTable]? = nil, slack: Double = slack
    ) -> [Range<Int>]? {
        guard let capped else {
            return leastSum(seats, capped: seats.map(\.times), limit: .infinity)
        }
        let least = slowest(seats, capped)
        return least < .infinity ? leastSum(seats, capped: capped, limit: least * slack) : nil
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
            for end in 1...layerCount {
                for begin in stride(from: end - 1, through: seat.firstLayers[end], by: -1) {
                    guard capped[begin..<end] <= limit else { break }
                    let sum = best[begin] + seat.hopSeconds + seat.times[begin..<end]
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
