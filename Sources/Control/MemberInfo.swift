// SPDX-License-Identifier: Apache-2.0

package import Wire

/// A worker as it introduced itself.
package struct MemberInfo: Sendable, Equatable {
    package var node: NodeID
    package var name: String
    /// `HOST:PORT` at which it takes data links.
    package var dataAddress: String
    package var memoryBudgetBytes: UInt64
    package var speed: WorkerSpeed
    /// nil if it can't be told.
    package var host: NodeID?
    package var threadCount: Int
    /// Of its machine.
    package var coreCount: Int

    package init(
        node: NodeID, name: String, dataAddress: String, memoryBudgetBytes: UInt64,
        speed: WorkerSpeed = .unmeasured, host: NodeID? = nil, threadCount: Int = 1,
        coreCount: Int = 1
    ) {
        self.node = node
        self.name = name
        self.dataAddress = dataAddress
        self.memoryBudgetBytes = memoryBudgetBytes
        self.speed = speed
        self.host = host
        self.threadCount = threadCount
        self.coreCount = coreCount
    }
}

extension MemberInfo {
    /// Its name and where it is reached: the same when it is started again, which neither its node
    /// nor its port is, and another than that of a box of the same name.
    package var home: String {
        let host = dataAddress.lastIndex(of: ":").map { dataAddress[..<$0] } ?? dataAddress[...]
        return "\(name) \(host)"
    }

    /// The order of stages: by name, and where names are the same by what else lasts.
    static func precedes(_ a: MemberInfo, _ b: MemberInfo) -> Bool {
        (a.name, a.home, a.node.high, a.node.low) < (b.name, b.home, b.node.high, b.node.low)
    }
}
