// SPDX-License-Identifier: Apache-2.0

/// What a worker measured of itself before it joined; 0 where it did not measure.
package struct WorkerSpeed: Sendable, Equatable {
    /// Weights that its compute threads read when one row is multiplied with them.
    package var readBytesPerSecond: UInt64
    /// The same with a thread on every core of its machine: what all workers there share.
    package var hostReadBytesPerSecond: UInt64
    /// Multiplications and additions with quantised weights, many rows at once.
    package var int8OperationsPerSecond: UInt64
    /// The same with float weights.
    package var f32OperationsPerSecond: UInt64
    /// What it costs to hand one loop to all compute threads.
    package var loopNanoseconds: UInt32

    package init(
        readBytesPerSecond: UInt64, hostReadBytesPerSecond: UInt64 = 0,
        int8OperationsPerSecond: UInt64 = 0, f32OperationsPerSecond: UInt64 = 0,
        loopNanoseconds: UInt32 = 0
    ) {
        self.readBytesPerSecond = readBytesPerSecond
        self.hostReadBytesPerSecond = hostReadBytesPerSecond
        self.int8OperationsPerSecond = int8OperationsPerSecond
        self.f32OperationsPerSecond = f32OperationsPerSecond
        self.loopNanoseconds = loopNanoseconds
    }

    package static let unmeasured = WorkerSpeed(readBytesPerSecond: 0)

    /// Without a speed of reading nothing can be predicted.
    package var isMeasured: Bool { readBytesPerSecond > 0 }
}
