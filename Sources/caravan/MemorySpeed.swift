// SPDX-License-Identifier: Apache-2.0

import Engine
import Platform

/// How fast plain memory is read beside the runs: on a shared machine that changes by the minute.
struct MemorySpeed {
    /// Of one stage.
    private let threadCount: Int
    /// Of a reading.
    private let byteCount: Int
    /// Bytes per second that one stage's threads were given.
    private(set) var rates: [Double] = []
    /// The latest, and how many stages' threads read.
    private var latest = (rate: 0.0, stages: 0)
    /// By how many stages' threads read, before there was anything to take memory from.
    private var first: [Int: Double] = [:]
    /// The most that was resident between the readings, which themselves do not count.
    private var peakBetween = 0

    /// As many threads read as compute at once; each of `stageCount` stages has `threadCount`.
    init(threadCount: Int, stageCount: Int) throws {
        self.threadCount = threadCount
        let available = MemoryReading.availableBytes()
        byteCount =
            available > 0
            ? ReadBandwidth.byteCount(room: available / 4) : ReadBandwidth.byteCount
        for count in Set([stageCount, 1]).sorted(by: >) {
            try read(stages: count)
            first[count] = latest.rate
        }
        peakBetween = 0
    }

    /// Reads anew. Where memory is so short that it would be taken from the model, what was given
    /// as many stages before counts, or else what was given last.
    mutating func read(stages: Int) throws {
        peakBetween = peakResidentBytes
        if first[stages] == nil || MemoryReading.availableBytes() > 2 * byteCount {
            let rate = try ReadBandwidth.measure(
                threadCount: threadCount * stages, byteCount: byteCount)
            latest = (rate, stages)
            if stages == 1 { rates.append(latest.rate) }
        } else if latest.stages != stages {
            latest = (first[stages] ?? latest.rate, stages)
        }
        MemoryReading.forgetPeak()
    }

    /// What memory gives so many stages at once around a run: the mean of what it gave before, in
    /// the latest reading if that was the same, and after.
    mutating func rateAround<Outcome>(
        stages: Int, _ run: () throws -> Outcome
    ) throws -> (outcome: Outcome, rate: Double) {
        if latest.stages != stages { try read(stages: stages) }
        let before = latest.rate
        let outcome = try run()
        try read(stages: stages)
        return (outcome, (before + latest.rate) / 2)
    }

    var peakResidentBytes: Int { max(peakBetween, MemoryReading.peakResidentBytes()) }
}
