// SPDX-License-Identifier: Apache-2.0

import Control

/// The body of `POST /caravan/drain`: a worker's name, or its address for data links.
struct DrainRequest: Decodable {
    var worker: String

    private enum CodingKeys: String, CodingKey { case worker }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        guard fields.contains(.worker) else { throw APIError.missing("worker") }
        guard let worker = try? fields.decode(String.self, forKey: .worker) else {
            throw APIError.wrongType("worker", "a string")
        }
        self.worker = worker
    }
}

extension APIError {
    /// What is asked for is not possible as things stand, but for a name that nobody has.
    init(_ refusal: DrainRefusal) {
        self.init(status: 409, refusal.description)
        switch refusal {
        case .unknownWorker:
            status = 404
            code = "worker_not_found"
            parameter = "worker"
        case .ambiguous:
            code = "worker_ambiguous"
            parameter = "worker"
        case .drainingAlready: code = "draining_already"
        case .lastWorker: code = "last_worker"
        case .notReady: code = "not_ready"
        case .shortage: code = "memory_short"
        case .noWorkers: code = "no_workers"
        case .shuttingDown:
            status = 503
            code = "shutting_down"
        }
    }
}
