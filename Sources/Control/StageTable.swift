// SPDX-License-Identifier: Apache-2.0

/// The predicted times of all stages that a worker could be given, for one load.
///
/// Orders of workers are many and all ask for the same times, so these are worked out once: 8,001
/// for 126 layers.
struct StageTable {
    /// By end, then by begin.
    private var seconds: [Double] = []

    init(_ cost: StageCost, _ load: StepLoad, on rates: WorkerRates) {
        seconds.reserveCapacity(cost.layerCount * (cost.layerCount + 1) / 2)
        for end in 1...cost.layerCount {
            for begin in 0..<end {
                seconds.append(cost.seconds(begin..<end, load, on: rates))
            }
        }
    }

    /// A table for each of `rates`; those with the same rates share one.
    static func tables(
        _ rates: [WorkerRates], _ cost: StageCost, _ load: StepLoad
    ) -> [StageTable] {
        var known: [(rates: WorkerRates, table: StageTable)] = []
        return rates.map { rates in
            if let table = known.first(where: { $0.rates == rates })?.table { return table }
            let table = StageTable(cost, load, on: rates)
            known.append((rates, table))
            return table
        }
    }

    subscript(range: Range<Int>) -> Double {
        seconds[(range.upperBound - 1) * range.upperBound / 2 + range.lowerBound]
    }
}
