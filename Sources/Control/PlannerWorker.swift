// SPDX-License-Identifier: Apache-2.0

package import Wire

/// What the planner needs to know of a worker.
package struct PlannerWorker: Sendable, Equatable {
    package var node: NodeID
    package var name: String
    package var memoryBudgetBytes: UInt64
    package var speed: WorkerSpeed
    /// Workers of the same machine share its memory's speed and its cores; nil if unknown.
    package var host: NodeID?
    package var threadCount: Int
    /// Of its machine.
    package var coreCount: Int
    /// To the coordinator; nil if not measured.
    package var path: NetworkPath?
    /// Its measured stage times by its predicted ones.
    package var correction: Double

    package init(
        node: NodeID, name: String, memoryBudgetBytes: UInt64, speed: WorkerSpeed = .unmeasured,
        host: NodeID? = nil, threadCount: Int = 1, coreCount: Int = 1, path: NetworkPath? = nil,
        correction: Double = 1
    ) {
        self.node = node
        self.name = name
        self.memoryBudgetBytes = memoryBudgetBytes
        self.speed = speed
        self.host = host
        self.threadCount = threadCount
        self.coreCount = coreCount
        self.path = path
        self.correction = correction
    }

    /// A hop from the coordinator, or back to it: either has few bytes.
    var endHopSeconds: Double { (path ?? .sameHost).seconds(0) }

    /// Whether both are known to run on one machine.
    func sharesHost(with other: PlannerWorker) -> Bool { host != nil && host == other.host }
}

extension [PlannerWorker] {
    /// The orders with the two of most memory at the ends, where the head and the embedding are:
    /// first that with the roomiest last, as the head is mostly the larger one.
    var ordersWithRoomyEnds: [[Int]] {
        let roomiest = indices.sorted { a, b in
            (self[b].memoryBudgetBytes, a) < (self[a].memoryBudgetBytes, b)
        }.prefix(2)
        guard let last = roomiest.first, let first = roomiest.last, first != last else { return [] }
        let others = indices.filter { !roomiest.contains($0) }
        return [[first] + others + [last], [last] + others + [first]]
    }
}

/// A worker's rates as the planner calculates with them.
struct WorkerRates: Equatable {
    var readBytesPerSecond: Double
    var int8PerSecond: Double
    var floatPerSecond: Double
    var loopSeconds: Double
    var correction: Double

    init(_ worker: PlannerWorker) {
        readBytesPerSecond = Double(worker.speed.readBytesPerSecond)
        int8PerSecond = Self.rate(worker.speed.int8OperationsPerSecond)
        floatPerSecond = Self.rate(worker.speed.f32OperationsPerSecond)
        loopSeconds = Double(worker.speed.loopNanoseconds) / 1e9
        correction = worker.correction
    }

    /// Arithmetic that was not measured costs nothing.
    private static func rate(_ measured: UInt64) -> Double {
        measured == 0 ? .infinity : Double(measured)
    }

    /// With only a share of what the worker's machine has.
    func slowed(reading: Double, computing: Double) -> WorkerRates {
        var rates = self
        rates.readBytesPerSecond *= reading
        rates.int8PerSecond *= computing
        rates.floatPerSecond *= computing
        return rates
    }
}
