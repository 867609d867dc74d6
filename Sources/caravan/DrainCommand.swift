// SPDX-License-Identifier: Apache-2.0

import Cluster
import Platform

/// `caravan drain NODE`: moves a worker's layers to the others, then lets it go.
struct DrainCommand: Command {
    /// How often the status is asked for.
    private static let interval = Duration.milliseconds(200)
    /// For the layers to move; the coordinator goes on even after that.
    private static let patience = Duration.seconds(3600)

    static let syntax = Syntax(
        name: "drain", summary: "Moves a worker's layers to the others, then lets it go",
        operands: ["NODE"],
        options: [CoordinatorAddress.urlOption, CoordinatorAddress.apiKeyFileOption],
        notes: [
            "NODE is a worker's name as 'caravan status' shows it or, where several have the same,",
            "its address for data links. The worker's process ends. Streams go on: with quantised",
            "weights and --wire f32, by the tokens they would have had. Where the others' memory",
            "is too small nothing is changed. The command waits for an hour at most; after that",
            "the layers go on moving.",
        ])

    private let worker: String
    private let coordinator: CoordinatorAddress

    init(_ options: Options) throws {
        worker = options.operands[0]
        coordinator = try CoordinatorAddress(options)
    }

    func run() throws -> Int32 {
        let apiKey = try coordinator.apiKey()
        try HTTPClient.post(coordinator.url + "/caravan/drain", ["worker": worker], apiKey: apiKey)
        let pause = Mailbox<Void>(capacity: 1)
        let deadline = MonotonicClock.now() + Self.patience
        while MonotonicClock.now() < deadline {
            let status = try StatusCommand.fetch(coordinator.url, apiKey: apiKey)
            if let line = try DrainReport(worker, status).line() {
                try StandardOutput.show(line.escapingControls + "\n")
                return ExitStatus.done
            }
            _ = pause.take(timeout: Self.interval)
        }
        throw DrainError.slow(worker)
    }
}
