// SPDX-License-Identifier: Apache-2.0

/// What `caravan bench` is to run.
struct BenchPlan {
    let promptLength: Int
    let generateLength: Int
    let streams: [Int]
    let depths: [Int]
    let repeatCount: Int

    var slotCount: Int { streams.max() ?? 1 }

    /// Positions that the sequences of the first runs have on average: what is predicted is
    /// predicted for these.
    var meanDepth: Int { promptLength(depth: predictedDepth) + generateLength / 2 }

    /// Of `depths`, the one whose runs are predicted.
    var predictedDepth: Int { depths.first ?? 0 }

    /// What each sequence needs room for.
    var contextLength: Int {
        let decodes = depths.flatMap { depth in
            streams.map { promptLength(depth: depth) + tokenCountMax(streams: $0, depth: depth) }
        }
        return max(8, promptLength + 1, decodes.max() ?? 0)
    }

    /// What the run with the most of them needs at once.
    func pageCount(pageTokens: Int) -> Int {
        func pages(_ positions: Int) -> Int { (positions + pageTokens - 1) / max(1, pageTokens) }
        let decodes = depths.flatMap { depth in
            streams.map { count in
                let limit = tokenCountMax(streams: count, depth: depth)
                return count * pages(promptLength(depth: depth) + limit)
            }
        }
        return max(pages(promptLength + 1), decodes.max() ?? 0)
    }

    /// A sequence has at least one token.
    func promptLength(depth: Int) -> Int { max(1, depth) }

    /// Rows of prompts in a step that also decodes. Nobody minds a wait before the runs, and with
    /// many rows few tokens are generated meanwhile.
    static let prefillChunk = 64

    /// What a stream may generate: what is measured, and what it may get ahead while the prompts
    /// of the others are prefilled beside each step's decode rows.
    func tokenCountMax(streams: Int, depth: Int) -> Int {
        let steps = (promptLength(depth: depth) * streams) / Self.prefillChunk
        return generateLength + steps + streams + 8
    }
}

/// The runs of one kind.
struct BenchSeries {
    /// Tokens per second of each run.
    private(set) var rates: [Double] = []
    /// The same as shares of what memory gave around the run, in tokens to a byte.
    private var memoryShares: [Double] = []
    /// Of each run, the share of time in which each stage computed; no entries in-process.
    private var busyShares: [[Double]] = []
    private var rowsPerStep: [Double] = []

    mutating func add(
        _ rate: Double, memoryRate: Double, busyShares shares: [Double], rowsPerStep rows: Double
    ) {
        rates.append(rate)
        memoryShares.append(rate / memoryRate)
        busyShares.append(shares)
        rowsPerStep.append(rows)
    }

    var median: Double { Self.median(rates) }
    var tokensPerByteOfMemory: Double { Self.median(memoryShares) }
    /// At least one, also where nothing was counted.
    var tokensPerStep: Double { max(1, Self.median(rowsPerStep)) }

    /// The median of each stage.
    var busy: [Double] {
        (busyShares.first ?? []).indices.map { stage in
            Self.median(busyShares.filter { stage < $0.count }.map { $0[stage] })
        }
    }

    static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return 0 }
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    /// From the slowest to the fastest run, as a share of the median.
    var spread: Double {
        guard let low = rates.min(), let high = rates.max(), median > 0 else { return 0 }
        return (high - low) / median
    }
}
