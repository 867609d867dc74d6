// SPDX-License-Identifier: Apache-2.0

/// Why a worker's layers are not moved elsewhere.
package enum DrainRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    case unknownWorker(String, known: [String])
    /// Several workers have this name.
    case ambiguous(String, addresses: [String])
    case drainingAlready(String)
    /// Nobody else is there to take its layers.
    case lastWorker(String)
    /// No plan serves right now; the text says why.
    case notReady(String, String)
    case shortage(String, PlannerFailure)
    /// The layers run in the coordinator's own process.
    case noWorkers
    case shuttingDown

    package var description: String {
        switch self {
        case .unknownWorker(let name, let known):
            "there is no worker \(name); "
                + (known.isEmpty
                    ? "nobody has joined" : "there are \(known.joined(separator: ", "))")
        case .ambiguous(let name, let addresses):
            "\(addresses.count) workers are called \(name); name one by its address: "
                + addresses.joined(separator: ", ")
        case .drainingAlready(let name): "worker \(name) is being drained already"
        case .lastWorker(let name):
            "worker \(name) can't be drained: there is no other; let another join first"
        case .notReady(let name, let detail):
            "worker \(name) can't be drained now: \(detail); try again once the cluster is ready"
        case .shortage(let name, let failure):
            "worker \(name) can't be drained: without it \(failure)"
        case .noWorkers:
            "the layers run in the coordinator's own process: there is no worker to drain"
        case .shuttingDown: "the server is shutting down"
        }
    }
}
