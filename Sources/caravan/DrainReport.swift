// SPDX-License-Identifier: Apache-2.0

package import Cluster

/// How far a drain is, as a status tells it.
package struct DrainReport {
    /// Its name, or its address for data links.
    private let worker: String
    private let status: ClusterStatus

    package init(_ worker: String, _ status: ClusterStatus) {
        self.worker = worker
        self.status = status
    }

    /// What to say of a drain that is done; nil while it goes on. Throws why it won't be done.
    package func line() throws(DrainError) -> String? {
        let draining = status.members.first {
            ($0.name == worker || $0.address == worker) && $0.role == "draining"
        }
        if let draining {
            guard draining.note.isEmpty else { throw .held(worker, draining.note) }
            return nil
        }
        guard !status.stages.isEmpty else { throw .noPlan(worker, status.detail) }
        let names = status.stages.map(\.worker).joined(separator: ", ")
        return "worker \(worker) is drained; plan \(status.epoch) runs on \(names)"
    }
}

/// Why a drain is not done.
package enum DrainError: Error, Equatable, CustomStringConvertible {
    /// Something has happened since it was begun.
    case held(String, String)
    /// The others serve nothing without it.
    case noPlan(String, String)
    case slow(String)

    package var description: String {
        switch self {
        case .held(let worker, let reason):
            "worker \(worker) can't go yet: \(reason); drain it again when that is mended; if "
                + "others join that have room, it goes by itself"
        case .noPlan(let worker, let detail):
            "worker \(worker) is gone, and nothing is served without it: \(detail)"
        case .slow(let worker):
            "the layers of worker \(worker) are still moving after an hour; "
                + "'caravan status' shows how far it is"
        }
    }
}
