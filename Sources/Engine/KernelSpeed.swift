// SPDX-License-Identifier: Apache-2.0

import CKernels
import Model
import Platform

/// How fast the kernels run on this machine: the figures that predictions are made of.
///
/// Measured with the kernels and loops that steps use, on packed Q4_0 weights of a usual width.
/// What the weights are does not matter, since no kernel branches on them.
package struct KernelSpeed: Sendable, Equatable {
    /// Packed weights read when one row is multiplied with more of them than any cache holds.
    package var readBytesPerSecond: Double
    /// Multiplications and additions with quantised weights, many rows at once; like those of a
    /// step, the weights come from memory.
    package var int8OperationsPerSecond: Double
    /// The same with float weights, as prompts are multiplied with them: see `FloatProduct`.
    package var f32OperationsPerSecond: Double
    /// What handing one loop to all threads costs.
    package var loopSeconds: Double

    /// Larger than nearly all caches.
    package static let byteCountMax = 256 << 20
    private static let columnCount = 2_048
    private static let rowCount = 32
    private static let floatRowCount = FloatProduct.rowCountMin
    /// Groups of one product: as many weights as a matrix of a small model.
    private static let groupCount = 256
    /// Floats of a thread's tile.
    private static let tileCount = columnCount * FloatProduct.tileRows
    private static let loopCount = 500
    private static let passCount = 7
    /// After which no other pass begins.
    private static let passTime = Duration.milliseconds(200)
    /// How often the rate of many rows is tried, and how long each time.
    private static let trialCount = 3
    private static let trialTime = Duration.milliseconds(40)

    /// Takes about a third of a second, at most `byteCount` bytes of weights, of which 16 MiB are
    /// needed, and half a MiB a thread.
    package static func measure(
        threadCount: Int, byteCount: Int = byteCountMax
    ) throws(EngineError) -> KernelSpeed {
        let bench = try ProductBench(threadCount: threadCount, byteCount: byteCount)
        return KernelSpeed(
            readBytesPerSecond: bench.readRate(passCount: passCount),
            int8OperationsPerSecond: bench.rate(.q4_0, rowCount: rowCount, for: trialTime),
            f32OperationsPerSecond: bench.rate(.f16, rowCount: floatRowCount, for: trialTime),
            loopSeconds: bench.loopSeconds(count: loopCount))
    }

    /// The first rate alone.
    package static func readBytesPerSecond(
        threadCount: Int, byteCount: Int = byteCountMax
    ) throws(EngineError) -> Double {
        try ProductBench(threadCount: threadCount, byteCount: byteCount)
            .readRate(passCount: passCount)
    }

    /// Weights and activations to multiply.
    private struct ProductBench {
        let isa: KernelISA
        let team: ComputeTeam
        let weights: AnonymousMemory
        let scratch: AnonymousMemory
        let values: UnsafeMutablePointer<Float>
        let out: UnsafeMutablePointer<Float>
        let codes: CodeBuffer
        /// (threads, columns, `FloatProduct.tileRows`)
        let tiles: UnsafeMutablePointer<Float>

        init(threadCount: Int, byteCount: Int) throws(EngineError) {
            isa = try KernelISA.selected()
            FloatProduct.useOneThread()
            team = try ComputeTeam(threadCount: threadCount)
            weights = try AnonymousMemory(
                byteCount: max(16 << 20, min(byteCount, byteCountMax)), hugePages: true)
            let count = max(rowCount, floatRowCount)
            let valueCount = count * columnCount
            let outCount = count * groupCount * Int(CK_GROUP_ROWS)
            let floatCount = valueCount + outCount + threadCount * tileCount
            let blockBytes = valueCount / Int(CK_BLOCK_COLUMNS) * MemoryLayout<ck_block>.stride
            scratch = try AnonymousMemory(
                byteCount: floatCount * 4 + valueCount + blockBytes, hugePages: true)
            values = scratch.pointer(at: 0, as: Float.self)
            out = values + valueCount
            tiles = out + outCount
            codes = CodeBuffer(
                codes: scratch.pointer(at: floatCount * 4, as: Int8.self),
                blocks: scratch.pointer(at: floatCount * 4 + valueCount, as: ck_block.self))
            for index in 0..<valueCount { values[index] = Float(index % 61) / 61 - 0.5 }
            let rows = activations(rowCount: count)
            for row in 0..<count { rows.quantise(row: row, isa: isa.code) }
            fill()
        }

        /// With small numbers, in whichever way a kernel takes them.
        private func fill() {
            let step = 1 << 20
            nonisolated(unsafe) let base = weights.base
            team.run(weights.byteCount / step) { chunk, _ in
                (base + chunk * step).initializeMemory(as: UInt8.self, repeating: 0x21, count: step)
            }
        }

        private func activations(rowCount: Int) -> Activations {
            Activations(values, rowCount: rowCount, columnCount: columnCount, buffer: codes)
        }

        /// One product of the first `rowCount` rows with groups that begin at byte `offset`.
        private func multiply(_ type: ElementType, rowCount: Int, offset: Int) {
            let stride = groupCount * Int(CK_GROUP_ROWS)
            let matrix = ck_matrix(
                packed: weights.base + offset, type: type.rawValue, rows: stride,
                columns: columnCount)
            let product = Product(matrix, type: type, out: out, stride: stride)
            let rows = activations(rowCount: rowCount)
            team.split(groupCount, unit: product.groupUnit(rowCount: rowCount)) { groups, thread in
                product.multiply(
                    rows, groups: groups, isa: isa.code, tile: tiles + thread * tileCount)
            }
        }

        func readRate(passCount: Int) -> Double {
            let bytes = groupCount * ck_group_bytes(ElementType.q4_0.rawValue, columnCount)
            let products = weights.byteCount / bytes
            let start = MonotonicClock.now()
            var times: [Double] = []
            repeat {
                let pass = Self.time {
                    for product in 0..<products {
                        multiply(.q4_0, rowCount: 1, offset: product * bytes)
                    }
                }
                times.append(pass)
            } while times.count < passCount && MonotonicClock.now() - start < passTime
            return Double(products * bytes) / Self.median(times)
        }

        /// Operations a second on matrices that follow each other in memory.
        func rate(_ type: ElementType, rowCount: Int, for time: Duration) -> Double {
            let bytes = groupCount * ck_group_bytes(type.rawValue, columnCount)
            let products = max(1, weights.byteCount / bytes)
            var product = 0
            let times = (0..<trialCount).map { _ in
                let start = MonotonicClock.now()
                var count = 0
                repeat {
                    multiply(type, rowCount: rowCount, offset: product % products * bytes)
                    product += 1
                    count += 1
                } while MonotonicClock.now() - start < time
                return (MonotonicClock.now() - start).seconds / Double(count)
            }
            let weights = groupCount * Int(CK_GROUP_ROWS) * columnCount
            return 2 * Double(weights * rowCount) / Self.median(times)
        }

        /// What is usual here: the best moment would be promised for all others.
        private static func median(_ times: [Double]) -> Double {
            max(times.sorted()[times.count / 2], 1e-9)
        }

        func loopSeconds(count: Int) -> Double {
            let chunks = team.threadCount * 6
            return Self.time {
                for _ in 0..<count { team.run(chunks) { _, _ in } }
            } / Double(count)
        }

        private static func time(_ body: () -> Void) -> Double {
            let start = MonotonicClock.now()
            body()
            return max((MonotonicClock.now() - start).seconds, 1e-9)
        }
    }
}
