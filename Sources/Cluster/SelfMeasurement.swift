// SPDX-License-Identifier: Apache-2.0

import Engine
import Platform
import Wire

/// What a worker finds out about its machine before it joins.
///
/// Kept in the blob cache's directory, which may be all that a service can write to, until the
/// machine's next start: a restarted cluster then has the same figures, makes the same plan and
/// ships nothing. Workers of one machine that run the same executable measure one after the other,
/// whatever caches they have, since together they would measure each other.
package struct SelfMeasurement {
    let threadCount: Int
    let coreCount: Int
    let memoryBudgetBytes: Int
    /// The blob cache's, to which the files here are none of its blobs. Made where it is missing.
    let cacheDirectory: String
    let isa: String

    /// Counts the ways of measuring there have been: figures of another one count for nothing.
    private static let method = 4

    /// What the workers of a machine have in common: the file that they run.
    private static let program = "/proc/self/exe"

    /// The name among hosts of what this process may use of the machine; zero if it can't be told.
    static func host() -> NodeID { node(HostIdentity.part()) }

    private static func node(_ bytes: [UInt8]?) -> NodeID {
        guard let bytes, bytes.count == 16 else { return NodeID(high: 0, low: 0) }
        func word(_ part: ArraySlice<UInt8>) -> UInt64 {
            part.reduce(0) { $0 << 8 | UInt64($1) }
        }
        return NodeID(high: word(bytes[..<8]), low: word(bytes[8...]))
    }

    /// Measures, or reads what was measured since the machine started.
    func take() -> WorkerSpeed {
        if let known = read() { return known }
        let lock = FileLock(path: Self.program, timeout: ClusterLimits.measuringPatience)
        return withExtendedLifetime(lock) { readOrMeasure() }
    }

    private func readOrMeasure() -> WorkerSpeed {
        // By another worker with this cache, meanwhile.
        if let known = read() { return known }
        do {
            let start = MonotonicClock.now()
            let room = Self.roomBytes(
                memoryBudgetBytes: memoryBudgetBytes,
                availableBytes: MemoryReading.availableBytes())
            let speed = try measure(room: room)
            let time = MonotonicClock.now() - start
            Log.info("\(speed.text) (measured in \(time.microseconds / 1000) ms)")
            // With less than there will be at another time it is kept for nobody.
            if Self.sizeClass(room) >= wantedSizeClass { write(speed) }
            return speed
        } catch {
            Log.warning("the speed of this machine was not measured: \(error)")
            return .unmeasured
        }
    }

    private func measure(room: Int) throws(EngineError) -> WorkerSpeed {
        let own = try KernelSpeed.measure(threadCount: threadCount, byteCount: room)
        let host =
            coreCount > threadCount
            ? try KernelSpeed.readBytesPerSecond(threadCount: coreCount, byteCount: room)
            : own.readBytesPerSecond
        return WorkerSpeed(
            readBytesPerSecond: UInt64(own.readBytesPerSecond),
            hostReadBytesPerSecond: UInt64(max(own.readBytesPerSecond, host)),
            int8OperationsPerSecond: UInt64(own.int8OperationsPerSecond),
            f32OperationsPerSecond: UInt64(own.f32OperationsPerSecond),
            loopNanoseconds: UInt32(min(own.loopSeconds * 1e9, 1e9)))
    }

    /// The memory that measuring takes at most: a part of what there really is, since a budget may
    /// be beyond that, and a worker that is ended for it would never say so.
    package static func roomBytes(memoryBudgetBytes: Int, availableBytes: Int) -> Int {
        (availableBytes > 0 ? min(memoryBudgetBytes, availableBytes) : memoryBudgetBytes) / 4
    }

    // MARK: What is kept

    private var path: String { cacheDirectory + "/speed" }

    private var machine: String { Self.node(HostIdentity.machine()).hexadecimal }

    /// What the figures are valid for; one CPU is as good as another. Few weights may fit a cache,
    /// and say nothing of what a worker with more memory reads.
    private var key: String {
        "\(machine) \(CaravanVersion.text).\(Self.method) \(isa) \(threadCount) "
            + "\(coreCount) \(wantedSizeClass)"
    }

    /// Where all of the budget is free.
    private var wantedSizeClass: Int {
        Self.sizeClass(Self.roomBytes(memoryBudgetBytes: memoryBudgetBytes, availableBytes: 0))
    }

    /// Bits of the number of bytes that are measured with where there is room for `byteCount`.
    private static func sizeClass(_ byteCount: Int) -> Int {
        Int.bitWidth - min(byteCount, KernelSpeed.byteCountMax).leadingZeroBitCount
    }

    private func read() -> WorkerSpeed? {
        for line in (SmallFile.read(path) ?? "").split(separator: "\n")
        where line.hasPrefix(key + ": ") {
            let numbers = line.dropFirst(key.count + 2).split(separator: " ").map { UInt64($0) }
            guard numbers.count == 5, let read = numbers[0], read > 0, let host = numbers[1],
                let int8 = numbers[2], let f32 = numbers[3], let loop = numbers[4]
            else { return nil }
            return WorkerSpeed(
                readBytesPerSecond: read, hostReadBytesPerSecond: host,
                int8OperationsPerSecond: int8, f32OperationsPerSecond: f32,
                loopNanoseconds: UInt32(clamping: loop))
        }
        return nil
    }

    /// Adds a line; those of earlier starts of the machine go. Failure only costs the next start a
    /// measurement.
    private func write(_ speed: WorkerSpeed) {
        let numbers = [
            speed.readBytesPerSecond, speed.hostReadBytesPerSecond, speed.int8OperationsPerSecond,
            speed.f32OperationsPerSecond, UInt64(speed.loopNanoseconds),
        ]
        let machine = machine
        let kept = (SmallFile.read(path) ?? "").split(separator: "\n")
            .filter { $0.hasPrefix(machine) && !$0.hasPrefix(key + ": ") }.map(String.init)
        let line = "\(key): \(numbers.map(String.init).joined(separator: " "))"
        let text = (kept + [line]).joined(separator: "\n") + "\n"
        do {
            try SmallFile.write(text, to: path)
        } catch {
            Log.info("what was measured is not kept: \(error)")
        }
    }
}

extension NodeID {
    /// 32 digits.
    var hexadecimal: String {
        [high, low].map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}

extension WorkerSpeed {
    /// One line for people.
    var text: String {
        func billions(_ value: UInt64) -> String { "\((Double(value) / 1e8).rounded() / 10)" }
        return "reads weights at \(billions(readBytesPerSecond)) GB/s "
            + "(\(billions(hostReadBytesPerSecond)) with all cores), multiplies at "
            + "\(billions(int8OperationsPerSecond)) int8 and "
            + "\(billions(f32OperationsPerSecond)) f32 GOP/s"
    }
}
