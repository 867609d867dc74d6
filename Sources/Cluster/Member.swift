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
    private var traffic = DataTraffic()

    init(hello: Hello, link: Link, catalog: BlobCatalog) {
        self.hello = hello
        self.link = link
        shipper = BlobShipper(link: link, catalog: catalog)
    }

    var shippedBytes: Int { shipper.sentBytes }

    var info: MemberInfo {
        MemberInfo(
            node: hello.node, name: hello.name, dataAddress: hello.dataAddress,
            memoryBudgetBytes: hello.memoryBudgetBytes)
    }

    func note(_ heartbeat: Heartbeat, now: Duration) {
        self.heartbeat = heartbeat
        traffic.note(heartbeat, now: now)
    }

    func ask(_ request: BlobRequest, epoch: UInt32, id: UInt64) {
        guard !shipper.ask(request, epoch: epoch, id: id) else { return }
        link.refuse(.unexpectedFrame, "too many blob requests wait")
    }

    /// Joins the shipper; the link has been closed.
    func finish() { shipper.stop() }

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
        }
        status.receivedBytesPerSecond = traffic.receivedPerSecond(now: now)
        status.sentBytesPerSecond = traffic.sentPerSecond(now: now)
        return status
    }
}
