// SPDX-License-Identifier: Apache-2.0

/// A load that splits are looked for with, and what each worker takes for it wherever it stands.
struct SeatedLoad {
    let load: StepLoad
    let rates: [WorkerRates]
    /// In the order of the workers; hops are added where their order is known.
    private(set) var seats: [SpeedSplit.Seat]

    /// `firstLayers` are each worker's, as in its seat.
    init(_ load: StepLoad, rates: [WorkerRates], cost: StageCost, firstLayers: [[Int]]) {
        self.load = load
        self.rates = rates
        seats = zip(StageTable.tables(rates, cost, load), firstLayers).map {
            SpeedSplit.Seat(times: $0, firstLayers: $1)
        }
    }

    /// The same if every worker had room for everything.
    var roomy: SeatedLoad {
        var copy = self
        for index in copy.seats.indices {
            copy.seats[index].firstLayers = copy.seats[index].firstLayers.map { _ in 0 }
        }
        return copy
    }
}
