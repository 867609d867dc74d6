// SPDX-License-Identifier: Apache-2.0

package import Cluster
package import Control
import Wire

extension PlannerWorker {
    private static let threadCounts = 1...Options.threadCountMax
    /// Beyond these a coordinator takes a measurement for a hiccup.
    private static let corrections = 0.01...100.0

    /// The members of a running cluster by what they measured, in the order of their names. Throws
    /// `PlanError.unmeasured` where one did not.
    ///
    /// Any server may have sent the status. What is calculated with is brought within what a worker
    /// can have, so that no sum is too large.
    package static func members(of status: ClusterStatus) throws -> [PlannerWorker] {
        // With as many no coordinator takes another.
        let members = status.members.prefix(Limits.stagesMax).sorted { $0.name < $1.name }
        if let silent = members.first(where: { $0.readBytesPerSecond <= 0 }) {
            throw PlanError.unmeasured(silent.name)
        }
        let hosts = members.compactMap(\.knownHost)
        return members.enumerated().map { index, member in
            let host = member.knownHost.flatMap { hosts.firstIndex(of: $0) }
            return PlannerWorker(
                member, node: NodeID(high: 0, low: UInt64(index)),
                host: host.map { NodeID(high: 1, low: UInt64($0)) })
        }
    }

    private init(_ member: MemberStatus, node: NodeID, host: NodeID?) {
        func count(_ value: Int) -> UInt64 { UInt64(max(0, value)) }
        self.init(
            node: node, name: member.name, memoryBudgetBytes: count(member.memoryBudgetBytes),
            speed: WorkerSpeed(
                readBytesPerSecond: count(member.readBytesPerSecond),
                hostReadBytesPerSecond: count(member.hostReadBytesPerSecond),
                int8OperationsPerSecond: count(member.int8OperationsPerSecond),
                f32OperationsPerSecond: count(member.f32OperationsPerSecond),
                loopNanoseconds: UInt32(clamping: member.loopNanoseconds)),
            host: host, threadCount: Self.clamped(member.threads, to: Self.threadCounts),
            coreCount: Self.clamped(member.cores, to: Self.threadCounts),
            path: NetworkPath(
                microseconds: member.roundTripMicroseconds,
                bytesPerSecond: member.linkBytesPerSecond),
            correction: Self.clamped(member.measuredByPredicted, to: Self.corrections))
    }

    private static func clamped<Value: Comparable>(
        _ value: Value, to range: ClosedRange<Value>
    ) -> Value {
        min(max(value, range.lowerBound), range.upperBound)
    }
}
