// SPDX-License-Identifier: Apache-2.0

/// The predicted time of a stage for one step.
///
/// Reading the weights and multiplying with them, then the keys and values, the rows' own values
/// and what it costs to start a layer's loops. Reading and multiplying overlap: the larger one
/// counts, and near each other they get in each other's way. Measured on an AVX-512 machine, with
/// one thread from 1 to 64 rows and with two that share its memory, products are within a tenth.
package struct StageCost {
    /// Loops that a layer hands to the compute team.
    private static let loopsPerLayer = 5.0
    /// Rows that the head multiplies at once.
    package static let headRows = 8
    /// Float operations in whose time a value is normalised, quantised or ranked, with what
    /// little else rows do by themselves: between the 64 once measured and the 96 that a profile of
    /// a small model on an AVX-512 machine suggests.
    private static let operationsPerValue = 80.0
    /// What keys and values are read at, by what weights are: they lie in pages and are widened
    /// before they are multiplied. `caravan bench --depth` gives 0.5 to 0.6 for some hundred
    /// positions and 0.7 for thousands, with one thread and three or four queries to a key.
    private static let keyValueReading = 0.6

    private let layerBytes: [Double]
    private let int8: [Double]
    private let floats: [Double]
    /// Weights of the last layer without those of its keys and values.
    private let leftInt8: Double
    private let leftFloats: Double
    let work: ModelWork

    init(_ work: ModelWork) {
        self.work = work
        func sums(_ value: (ModelWork.Part) -> UInt64) -> [Double] {
            work.layers.reduce(into: [0.0]) { $0.append($0[$0.count - 1] + Double(value($1))) }
        }
        layerBytes = sums(\.byteCount)
        int8 = sums(\.int8Count)
        floats = sums(\.floatCount)
        func left(_ value: (ModelWork.Part) -> UInt64) -> Double {
            Double(work.layers.last.map(value) ?? 0) - Double(value(work.lastKeysAndValues))
        }
        leftInt8 = left(\.int8Count)
        leftFloats = left(\.floatCount)
    }

    var layerCount: Int { work.layers.count }

    /// What a stage's time is made of, in seconds.
    struct Parts {
        var reading = 0.0
        var computing = 0.0
        var overhead = 0.0

        var seconds: Double { Self.overlapped(reading, computing) + overhead }

        /// The fourth root of the fourth powers' sum: a fifth more than either where both are the
        /// same, and little more than the larger elsewhere.
        static func overlapped(_ reading: Double, _ computing: Double) -> Double {
            let larger = max(reading, computing)
            guard larger > 0, larger.isFinite else { return larger }
            let ratio = min(reading, computing) / larger
            return larger * (1 + ratio * ratio * ratio * ratio).squareRoot().squareRoot()
        }
    }

    func seconds(_ range: Range<Int>, _ load: StepLoad, on rates: WorkerRates) -> Double {
        var seconds = layers(range, load, on: rates).seconds
        if range.upperBound == layerCount { seconds += head(load, on: rates).seconds }
        return seconds * rates.correction
    }

    /// Layers and head together; `seconds` is more exact.
    func parts(_ range: Range<Int>, _ load: StepLoad, on rates: WorkerRates) -> Parts {
        var parts = layers(range, load, on: rates)
        if range.upperBound == layerCount {
            let head = head(load, on: rates)
            parts.reading += head.reading
            parts.computing += head.computing
            parts.overhead += head.overhead
        }
        return parts
    }

    /// Weights that the stage reads for one step.
    func bytes(_ range: Range<Int>, _ load: StepLoad) -> Double {
        var bytes = layerBytes[range.upperBound] - layerBytes[range.lowerBound]
        bytes += keyValueBytes(range, load)
        if range.upperBound == layerCount {
            bytes += headBytes(load)
        }
        return bytes
    }

    private func layers(_ range: Range<Int>, _ load: StepLoad, on rates: WorkerRates) -> Parts {
        let bytes = layerBytes[range.upperBound] - layerBytes[range.lowerBound]
        let int8 = int8[range.upperBound] - int8[range.lowerBound]
        let floats = floats[range.upperBound] - floats[range.lowerBound]
        let count = Double(range.count)
        let rows = Double(load.rowCount)
        // Rows that leave the last layer once it has their keys and values.
        let leaving =
            range.upperBound == layerCount ? Double(load.rowCount - load.wantingCount) : 0
        let visits = rows * count - leaving
        let attention = visits * Double(load.depth) * Double(work.attentionOperations)
        let attentionSeconds = max(
            attention / rates.floatPerSecond,
            keyValueBytes(range, load) / (rates.readBytesPerSecond * Self.keyValueReading))
        return Parts(
            reading: bytes / rates.readBytesPerSecond,
            computing: 2
                * ((rows * int8 - leaving * leftInt8) / rates.int8PerSecond
                    + (rows * floats - leaving * leftFloats) / rates.floatPerSecond),
            overhead: attentionSeconds + count * Self.loopsPerLayer * rates.loopSeconds
                + valueSeconds(visits * Double(work.layerValues), on: rates))
    }

    private func valueSeconds(_ count: Double, on rates: WorkerRates) -> Double {
        count * Self.operationsPerValue / rates.floatPerSecond
    }

    private func keyValueBytes(_ range: Range<Int>, _ load: StepLoad) -> Double {
        Double(load.sequenceCount * load.depth) * Double(work.kvBytesPerPosition)
            * Double(range.count)
    }

    /// How often a step reads the head for `rows` that want logits, or for as many in the mean:
    /// where some steps have a row more or less, a mean slightly above doesn't make it a pass more.
    package static func headPasses(rows: Double) -> Double {
        (rows.rounded() / Double(headRows)).rounded(.up)
    }

    private func headBytes(_ load: StepLoad) -> Double {
        Double(work.head.byteCount) * Self.headPasses(rows: Double(load.wantingCount))
    }

    private func head(_ load: StepLoad, on rates: WorkerRates) -> Parts {
        let rows = Double(load.wantingCount)
        return Parts(
            reading: headBytes(load) / rates.readBytesPerSecond,
            computing: 2 * rows
                * (Double(work.head.int8Count) / rates.int8PerSecond
                    + Double(work.head.floatCount) / rates.floatPerSecond),
            overhead: valueSeconds(rows * Double(work.headValues), on: rates))
    }
}
