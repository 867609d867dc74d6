// SPDX-License-Identifier: Apache-2.0

import Engine
import Platform

/// How fast plain memory is read beside the runs: on a shared machine that changes by the minute.
struct MemorySpeed {
    private let threadCount: Int
    /// Bytes per second, in the order in which they were measured.
    private(set) var rates: [Double] = []
    /// The most that was resident between the readings, which themselves do not count.
    private var peakBetween = 0

    /// As many threads read as compute at once.
    init(threadCount: Int) throws {
        self.threadCount = threadCount
        try read()
        peakBetween = 0
    }

    /// Reads anew, unless memory is so short that it would be taken from the model.
    mutating func read() throws {
        peakBetween = peakResidentBytes
        if rates.isEmpty || MemoryReading.availableBytes() > 2 * ReadBandwidth.byteCount {
            rates.append(try ReadBandwidth.measure(threadCount: threadCount))
        }
        MemoryReading.forgetPeak()
    }

    /// What memory gave around a run that follows a reading: the mean of that and another one.
    mutating func rateAround<Outcome>(
        _ run: () throws -> Outcome
    ) throws -> (outcome: Outcome, rate: Double) {
        let before = rates[rates.count - 1]
        let outcome = try run()
        try read()
        return (outcome, (before + rates[rates.count - 1]) / 2)
    }

    var peakResidentBytes: Int { max(peakBetween, MemoryReading.peakResidentBytes()) }
}
