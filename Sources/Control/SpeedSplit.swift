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
        var rates: WorkerRates
        var budgetBytes: UInt64
        /// The hop that brings a step here.
        var hopSeconds: Double
        /// May not be left out.
        var mustServe = false
    }

    /// Slower than the slowest stage has to be by so much is as good: it spares a stage, or a hop.
    static let slack = 1.02

    let model: PlannerModel
    let memorySums: [UInt64]
    let cost: StageCost
    /// What the stages' sum is for.
    let load: StepLoad

    /// A range for each seat, empty for those left out; nil where memory does not suffice.
    ///
    /// With `capped` no stage takes `slack` times longer for that load than the slowest has to.
    func ranges(
        _ seats: [Seat], capped: StepLoad? = nil, slack: Double = slack
    ) -> [Range<Int>]? {
        guard let capped else { return leastSum(seats, capped: load, limit: .infinity) }
        let least = slowest(seats, capped)
        return least < .infinity ? leastSum(seats, capped: capped, limit: least * slack) : nil
    }

    private var layerCount: Int { cost.layerCount }

    /// The least time of the slowest stage over all splits that fit.
    private func slowest(_ seats: [Seat], _ load: StepLoad) -> Double {
        var best = [Double](repeating: .infinity, count: layerCount + 1)
        best[0] = 0
        for seat in seats {
            var next = seat.mustServe ? best.map { _ in .infinity } : best
            for end in 1...layerCount {
                for begin in stride(from: end - 1, through: 0, by: -1) {
                    guard fits(begin..<end, seat) else { break }
                    let seconds = cost.seconds(begin..<end, load, on: seat.rates)
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
        _ seats: [Seat], capped: StepLoad, limit: Double
    ) -> [Range<Int>]? {
        var best = [Double](repeating: .infinity, count: layerCount + 1)
        best[0] = 0
        // starts[s][l]: where seat s's range begins if it ends at l.
        var starts: [[Int]] = []
        for seat in seats {
            var next = seat.mustServe ? best.map { _ in .infinity } : best
            var start = Array(0...layerCount)
            for end in 1...layerCount {
                for begin in stride(from: end - 1, through: 0, by: -1) {
                    guard fits(begin..<end, seat) else { break }
                    guard cost.seconds(begin..<end, capped, on: seat.rates) <= limit
                    else { break }
                    let seconds = cost.seconds(begin..<end, load, on: seat.rates)
                    let sum = best[begin] + seat.hopSeconds + seconds
                    if sum < next[end] {
                        next[end] = sum
                        start[end] = begin
                    }
                }
            }
            best = next
            starts.append(start)
        }
        guard best[layerCount] < .infinity else { return nil }
        var ranges: [Range<Int>] = []
        var end = layerCount
        for start in starts.reversed() {
            ranges.append(start[end]..<end)
            end = start[end]
        }
        return ranges.reversed()
    }

    private func fits(_ range: Range<Int>, _ seat: Seat) -> Bool {
        model.needBytes(range, layerSums: memorySums) <= seat.budgetBytes
    }
}
