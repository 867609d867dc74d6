// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
import Model
import Platform

/// What `caravan bench` measured; `text` and `json()` say the same.
struct BenchReport: Encodable {
    let model: String
    let kernels: String
    let threads: Int
    /// Worker processes; 0 for in-process.
    let local: Int
    /// Runs of which each figure is the median.
    let `repeat`: Int
    /// Plain memory's, the median of what was measured around the runs.
    let readGigabytesPerSecond: Double
    /// Bytes that a step of few rows reads: all layers and the output.
    let weightBytes: Int
    /// Memory of the computing processes after the runs.
    let residentBytes: Int
    /// The most that this process ever held; nil with workers.
    let peakResidentBytes: Int?
    /// From the start until requests could be computed.
    let loadSeconds: Double
    /// All of the model's weights over that time.
    let loadGigabytesPerSecond: Double
    let prefill: Line
    let decode: [Line]

    struct Line: Encodable {
        var tokens: Int?
        var streams: Int?
        var depth: Int?
        /// Of all streams together.
        let tokensPerSecond: Double
        /// From the slowest to the fastest run, as a share of the median.
        let spread: Double
        /// Mean tokens of a step: of all streams together, or rows of the prompt.
        let rowsPerStep: Double
        /// Read by all stages together; nil for prompts, whose steps read some of the weights
        /// several times and some never, and don't wait for them.
        var weightGigabytesPerSecond: Double?
        var bandwidthShare: Double?
        /// What the plan was expected to give, from what workers measured before it ran.
        var predictedTokensPerSecond: Double?
        /// The share of time in which each stage computed; nil in-process.
        var stageBusyShares: [Double]?
    }

    init(
        _ results: BenchRunner.Results, plan: BenchPlan, model: LoadedModel,
        status: ClusterStatus, threadCount: Int, localCount: Int?, memory: MemorySpeed,
        loadTime: Duration
    ) {
        func line(_ series: BenchSeries) -> Line {
            Line(
                tokensPerSecond: series.median.rounded(toPlaces: 2),
                spread: series.spread.rounded(toPlaces: 4),
                rowsPerStep: series.tokensPerStep.rounded(toPlaces: 2),
                stageBusyShares: localCount.map { _ in
                    series.busy.map { $0.rounded(toPlaces: 4) }
                })
        }
        self.model = model.served.name
        kernels = Set(status.stages.map(\.isa)).sorted().joined(separator: ", ")
        threads = threadCount
        local = localCount ?? 0
        `repeat` = plan.repeatCount
        readGigabytesPerSecond = (BenchSeries.median(memory.rates) / 1e9).rounded(toPlaces: 2)
        weightBytes = model.weightBytes(rowsPerStep: 1)
        residentBytes =
            localCount == nil
            ? MemoryReading.residentBytes() : status.stages.reduce(0) { $0 + $1.residentBytes }
        peakResidentBytes = localCount == nil ? memory.peakResidentBytes : nil
        let seconds = max(1e-6, loadTime / .seconds(1))
        loadSeconds = seconds.rounded(toPlaces: 3)
        loadGigabytesPerSecond = (Double(model.weightBytes) / seconds / 1e9).rounded(toPlaces: 2)
        var prefill = line(results.prefill)
        prefill.tokens = plan.promptLength
        self.prefill = prefill
        decode = results.decode.map { result in
            var line = line(result.series)
            line.streams = result.streams
            line.depth = result.depth
            let tokensPerStep = result.series.tokensPerStep
            let bytesPerToken =
                Double(model.weightBytes(rowsPerStep: tokensPerStep)) / tokensPerStep
            line.weightGigabytesPerSecond =
                (result.series.median * bytesPerToken / 1e9).rounded(toPlaces: 2)
            line.bandwidthShare =
                (result.series.tokensPerByteOfMemory * bytesPerToken).rounded(toPlaces: 4)
            if result.depth == plan.predictedDepth {
                let predicted =
                    result.streams == plan.slotCount && result.streams > 1
                    ? status.predictedTokensPerSecondOfAllSlots
                    : result.streams == 1 ? status.predictedTokensPerSecond : 0
                line.predictedTokensPerSecond =
                    predicted > 0 ? predicted.rounded(toPlaces: 2) : nil
            }
            return line
        }
    }

    var text: String {
        let place = local == 0 ? "in this process" : "in \(local) local workers"
        let head = """
            \(model.escapingControls): \(ByteSize.text(weightBytes)) of weights a step, \
            \(ByteSize.text(residentBytes)) resident
            \(place), \(threads) threads each, \(kernels) kernels; memory reads \
            \(readGigabytesPerSecond) GB/s; medians of \(`repeat`)
            ready after \(loadSeconds) s, \(loadGigabytesPerSecond) GB/s of weights
            """
        let rows =
            [["", "tokens/s", "spread", "weights", "of memory's speed", "predicted", "busy"]]
            + [row("prefill \(prefill.tokens ?? 0)", prefill)]
            + decode.map { line in
                let depth = line.depth ?? 0
                let streams = line.streams ?? 0
                let name = "decode, \(streams) \(streams == 1 ? "stream" : "streams")"
                return row(depth == 0 ? name : name + " at depth \(depth)", line)
            }
        let table = TextTable.lines(rows, firstNumeric: 1).joined(separator: "\n")
        return "\(head)\n\n\(table)\n"
    }

    private func row(_ name: String, _ line: Line) -> [String] {
        [
            name, "\(line.tokensPerSecond.rounded(toPlaces: 1))",
            "\((line.spread * 100).rounded(toPlaces: 1)) %",
            line.weightGigabytesPerSecond.map { "\($0) GB/s" } ?? "-",
            line.bandwidthShare.map { "\(($0 * 100).rounded(toPlaces: 1)) %" } ?? "-",
            line.predictedTokensPerSecond.map { "\($0.rounded(toPlaces: 1))" } ?? "-",
            line.stageBusyShares.map { shares in
                shares.map { "\(Int(($0 * 100).rounded()))" }.joined(separator: ", ") + " %"
            } ?? "-",
        ]
    }
}

extension LoadedModel {
    /// Weights in the file.
    fileprivate var weightBytes: Int {
        blobs.layers.reduce(0) { $0 + $1.byteCount } + blobs.output.byteCount
            + blobs.embedding.byteCount
    }

    /// Weights that a step of so many decode rows in the mean reads: all layers once, and for every
    /// few rows the output matrix, which is the embedding where the head is tied.
    fileprivate func weightBytes(rowsPerStep: Double) -> Int {
        let head = blobs.output.byteCount + (blobs.hasTiedHead ? blobs.embedding.byteCount : 0)
        let headPasses = max(1, Int(StageCost.headPasses(rows: rowsPerStep)))
        return blobs.layers.reduce(0) { $0 + $1.byteCount } + head * headPasses
    }
}
