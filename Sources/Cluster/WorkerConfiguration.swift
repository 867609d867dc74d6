// SPDX-License-Identifier: Apache-2.0

package import Platform

/// What `caravan worker` was told.
package struct WorkerConfiguration: Sendable {
    /// The coordinator's `--workers-listen` address.
    package var coordinator: SocketAddress
    package var dataListen: SocketAddress
    package var security: StreamSecurity
    package var name: String
    package var cacheDirectory: String
    /// What the blobs in the cache may take together; nil for what the disk has.
    package var cacheByteCountMax: Int?
    /// A model file on this machine: blobs found in it are not shipped.
    package var modelPath: String?
    package var memoryBudgetBytes: Int
    package var threadCount: Int
    /// Whether its coordinator has started it: it ends where others wait for a coordinator to be
    /// started anew, at a goodbye for instance. A link that is merely lost it opens again, too.
    package var endsWithCoordinator: Bool
    /// Whether it finds out how fast it is before it joins.
    package var measuresSpeed: Bool

    package init(
        coordinator: SocketAddress, dataListen: SocketAddress, security: StreamSecurity,
        name: String, cacheDirectory: String, cacheByteCountMax: Int? = nil,
        modelPath: String? = nil, memoryBudgetBytes: Int, threadCount: Int,
        endsWithCoordinator: Bool, measuresSpeed: Bool = false
    ) {
        self.coordinator = coordinator
        self.dataListen = dataListen
        self.security = security
        self.name = name
        self.cacheDirectory = cacheDirectory
        self.cacheByteCountMax = cacheByteCountMax
        self.modelPath = modelPath
        self.memoryBudgetBytes = memoryBudgetBytes
        self.threadCount = threadCount
        self.endsWithCoordinator = endsWithCoordinator
        self.measuresSpeed = measuresSpeed
    }
}

/// Why a worker gave up.
package enum WorkerError: Error, Equatable, CustomStringConvertible {
    case unreachable(String, seconds: Int)
    case refused(String)
    /// The coordinator and this worker cannot agree on TLS.
    case notAdmitted(String, TLSFault)
    case cannotLoad(String)

    package var description: String {
        switch self {
        case .unreachable(let reason, let seconds): "\(reason) (tried for \(seconds) s)"
        case .refused(let reason): "the coordinator refused this worker: \(reason)"
        case .notAdmitted(let address, .wrongToken):
            "\(address) is a cluster with another token; "
                + "copy the coordinator's token file here and name it with --token-file"
        case .notAdmitted(let address, let fault):
            "cannot join \(address): \(fault)"
        case .cannotLoad(let reason): "this worker cannot load its stage: \(reason)"
        }
    }
}
