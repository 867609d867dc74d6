// SPDX-License-Identifier: Apache-2.0

/// A worker's first frame on its control link: who it is and what it has.
package struct Hello: Sendable, Equatable {
    package var protocolMin: UInt16
    package var protocolMax: UInt16
    /// Random, made anew at each start of the worker.
    package var node: NodeID
    /// For people; at most `Limits.nameBytesMax` bytes of UTF-8.
    package var name: String
    /// `HOST:PORT` at which the worker takes data links.
    package var dataAddress: String
    package var cores: UInt16
    package var threads: UInt16
    /// The instruction set its kernels use: `avx512vnni`, `avx2`, `portable`.
    package var isa: String
    package var softwareVersion: String
    /// Bytes it will use for weights, KV cache and scratch.
    package var memoryBudgetBytes: UInt64
    /// The same for all workers of a machine; 0 if it can't be told.
    package var host: NodeID
    /// What was free on its machine, or in its control group, when it started.
    package var freeMemoryBytes: UInt64
    package var speed: WorkerSpeed

    package init(
        protocolMin: UInt16, protocolMax: UInt16, node: NodeID, name: String, dataAddress: String,
        cores: UInt16, threads: UInt16, isa: String, softwareVersion: String,
        memoryBudgetBytes: UInt64, host: NodeID = NodeID(high: 0, low: 0),
        freeMemoryBytes: UInt64 = 0, speed: WorkerSpeed = .unmeasured
    ) {
        self.protocolMin = protocolMin
        self.protocolMax = protocolMax
        self.node = node
        self.name = name
        self.dataAddress = dataAddress
        self.cores = cores
        self.threads = threads
        self.isa = isa
        self.softwareVersion = softwareVersion
        self.memoryBudgetBytes = memoryBudgetBytes
        self.host = host
        self.freeMemoryBytes = freeMemoryBytes
        self.speed = speed
    }
}

/// Sixteen random bytes that name a process in the cluster.
package struct NodeID: Sendable, Hashable {
    package var high: UInt64
    package var low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}

/// The coordinator's answer to `Hello`.
package struct Welcome: Sendable, Equatable {
    /// The version both sides speak from here on.
    package var protocolVersion: UInt16
    package var heartbeatMilliseconds: UInt32

    package init(protocolVersion: UInt16, heartbeatMilliseconds: UInt32) {
        self.protocolVersion = protocolVersion
        self.heartbeatMilliseconds = heartbeatMilliseconds
    }
}

/// Sent by a worker each heartbeat interval, and echoed by the coordinator with the same id.
package struct Heartbeat: Sendable, Equatable {
    package var stepCount: UInt64
    package var rowCount: UInt64
    package var computeMicroseconds: UInt64
    package var waitMicroseconds: UInt64
    package var sendMicroseconds: UInt64
    package var residentBytes: UInt64
    /// The least of the latest round trips that the sender measured; 0 before one is known.
    package var roundTripMicroseconds: UInt32
    /// Bytes of frames that came and went over data links.
    package var receivedBytes: UInt64
    package var sentBytes: UInt64
    /// Of the link to the next stage, as the kernel knows it; 0 where there is none.
    package var nextRoundTripMicroseconds: UInt32
    /// What that link has carried at its best; 0 while it was neither probed nor the bottleneck.
    package var nextBytesPerSecond: UInt64
    /// What the control link carried when it was probed; 0 if it was not.
    package var linkBytesPerSecond: UInt64

    package init(
        stepCount: UInt64, rowCount: UInt64, computeMicroseconds: UInt64, waitMicroseconds: UInt64,
        sendMicroseconds: UInt64, residentBytes: UInt64, roundTripMicroseconds: UInt32,
        receivedBytes: UInt64, sentBytes: UInt64,
        nextRoundTripMicroseconds: UInt32 = 0, nextBytesPerSecond: UInt64 = 0,
        linkBytesPerSecond: UInt64 = 0
    ) {
        self.stepCount = stepCount
        self.rowCount = rowCount
        self.computeMicroseconds = computeMicroseconds
        self.waitMicroseconds = waitMicroseconds
        self.sendMicroseconds = sendMicroseconds
        self.residentBytes = residentBytes
        self.roundTripMicroseconds = roundTripMicroseconds
        self.receivedBytes = receivedBytes
        self.sentBytes = sentBytes
        self.nextRoundTripMicroseconds = nextRoundTripMicroseconds
        self.nextBytesPerSecond = nextBytesPerSecond
        self.linkBytesPerSecond = linkBytesPerSecond
    }
}

/// The last frame before a side closes because the other broke a rule or asked for the impossible.
package struct ErrorNotice: Sendable, Equatable {
    package var code: Code
    /// One line for people; at most `Limits.messageBytesMax` bytes.
    package var message: String

    /// Append-only numbers.
    package enum Code: UInt16, Sendable {
        case malformed = 1
        case unsupportedVersion = 2
        case unexpectedFrame = 3
        case refused = 4
        case blobUnavailable = 5
        case loadFailed = 6
        case stepFailed = 7
        case internalFault = 8
        case wrongHash = 9
    }

    package init(code: Code, message: String) {
        self.code = code
        self.message = message
    }
}

/// First frame on a data link: which stage of which plan is calling. The epoch is the header's.
package struct DataHello: Sendable, Equatable {
    package var protocolVersion: UInt16
    package var node: NodeID
    /// The stage that will send on this link; `coordinatorStage` for the coordinator.
    package var fromStage: UInt16

    package static let coordinatorStage: UInt16 = 0xFFFF

    package init(protocolVersion: UInt16, node: NodeID, fromStage: UInt16) {
        self.protocolVersion = protocolVersion
        self.node = node
        self.fromStage = fromStage
    }
}
