// SPDX-License-Identifier: Apache-2.0

import Control
import Platform
import Wire

/// One worker as the coordinator knows it.
final class Member {
    let hello: Hello
    let link: Link
    private let shipper: BlobShipper
    private(set) var heartbeat: Heartbeat?
    private(set) var loading = LoadProgress()
    private var traffic = DataTraffic()
    /// Told that it may go.
    var isReleased = false
    /// Has said that it goes.
    var hasLeft = false

    /// `onShippingFailure` hears, on another thread, of a plan whose blobs can't be shipped.
    init(
        hello: Hello, link: Link, catalog: BlobCatalog,
        onShippingFailure: @escaping @Sendable (_ epoch: UInt32, _ reason: String) -> Void
    ) throws(ThreadError) {
        self.hello = hello
        self.link = link
        shipper = try BlobShipper(
            link: link, find: { catalog.blob($0) }, onFailure: onShippingFailure)
    }

    var shippedBytes: Int { shipper.sentBytes }

    /// To this coordinator, as heartbeats and the kernel have measured it; nil before the first.
    var path: NetworkPath? {
        NetworkPath(
            microseconds: Int(heartbeat?.roundTripMicroseconds ?? 0),
            bytesPerSecond: Int(clamping: linkBytesPerSecond))
    }

    /// What it was when it was probed, or when it was the bottleneck; 0 if neither is known.
    private var linkBytesPerSecond: UInt64 {
        max(heartbeat?.linkBytesPerSecond ?? 0, link.pathReading.bytesPerSecond)
    }

    /// To the worker of the next stage; nil before a plan has connected them.
    var nextPath: NetworkPath? {
        NetworkPath(
            microseconds: Int(heartbeat?.nextRoundTripMicroseconds ?? 0),
            bytesPerSecond: Int(clamping: heartbeat?.nextBytesPerSecond ?? 0))
    }

    func note(_ heartbeat: Heartbeat, now: Duration) {
        self.heartbeat = heartbeat
        loading.note(residentBytes: Int(clamping: heartbeat.residentBytes))
        traffic.note(heartbeat, now: now)
    }

    func ask(_ request: BlobRequest, epoch: UInt32, id: UInt64) {
        guard !shipper.ask(request, epoch: epoch, id: id) else { return }
        link.refuse(.unexpectedFrame, "too many blob requests wait")
    }

    /// Ends the shipper; the link has been closed.
    func finish() { shipper.stop() }

    /// What is known of it beyond its stage.
    func status(role: MemberRole, note: String, correction: Double) -> MemberStatus {
        let speed = hello.speed
        return MemberStatus(
            name: hello.name, address: hello.dataAddress, role: role.rawValue, note: note,
            host: hello.host.hexadecimal, threads: Int(hello.threads),
            cores: Int(hello.cores), memoryBudgetBytes: Int(clamping: hello.memoryBudgetBytes),
            freeMemoryBytes: Int(clamping: hello.freeMemoryBytes),
            readBytesPerSecond: Int(clamping: speed.readBytesPerSecond),
            hostReadBytesPerSecond: Int(clamping: speed.hostReadBytesPerSecond),
            int8OperationsPerSecond: Int(clamping: speed.int8OperationsPerSecond),
            f32OperationsPerSecond: Int(clamping: speed.f32OperationsPerSecond),
            loopNanoseconds: Int(speed.loopNanoseconds),
            roundTripMicroseconds: Int(heartbeat?.roundTripMicroseconds ?? 0),
            linkBytesPerSecond: Int(clamping: linkBytesPerSecond),
            measuredByPredicted: correction)
    }

    func status(stage: Int, layers: Range<Int>, now: Duration) -> StageStatus {
        var status = StageStatus(
            stage: stage, worker: hello.name, layerStart: layers.lowerBound,
            layerEnd: layers.upperBound)
        status.address = hello.dataAddress
        status.isa = hello.isa
        status.threads = Int(hello.threads)
        status.memoryBudgetBytes = Int(clamping: hello.memoryBudgetBytes)
        if let heartbeat {
            status.residentBytes = Int(clamping: heartbeat.residentBytes)
            status.stepCount = Int(clamping: heartbeat.stepCount)
            status.rowCount = Int(clamping: heartbeat.rowCount)
            status.roundTripMicroseconds = Int(heartbeat.roundTripMicroseconds)
            status.nextRoundTripMicroseconds = Int(heartbeat.nextRoundTripMicroseconds)
            status.nextBytesPerSecond = Int(clamping: heartbeat.nextBytesPerSecond)
        }
        status.linkBytesPerSecond = Int(clamping: linkBytesPerSecond)
        status.receivedBytesPerSecond = traffic.receivedPerSecond(now: now)
        status.sentBytesPerSecond = traffic.sentPerSecond(now: now)
        return status
    }
}

extension MemberInfo {
    /// A worker as it says hello.
    init(_ hello: Hello) {
        self.init(
            node: hello.node, name: hello.name, dataAddress: hello.dataAddress,
            memoryBudgetBytes: hello.memoryBudgetBytes, speed: hello.speed,
            host: hello.host == NodeID(high: 0, low: 0) ? nil : hello.host,
            threadCount: Int(hello.threads), coreCount: Int(hello.cores))
    }
}
