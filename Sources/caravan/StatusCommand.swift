// SPDX-License-Identifier: Apache-2.0

import Cluster
import FoundationEssentials
import Platform

/// `caravan status`: the cluster as the coordinator sees it now.
struct StatusCommand: Command {
    static let syntax = Syntax(
        name: "status", summary: "Shows a running cluster's workers, layers, memory and times",
        options: [
            CoordinatorAddress.urlOption, CoordinatorAddress.apiKeyFileOption,
            .init("--json", nil, "print the same as one JSON object"),
        ])

    private let coordinator: CoordinatorAddress
    private let asJSON: Bool

    init(_ options: Options) throws {
        coordinator = try CoordinatorAddress(options)
        asJSON = options.has("--json")
    }

    func run() throws -> Int32 {
        let apiKey = try coordinator.apiKey()
        if asJSON {
            let (_, body) = try Self.answer(coordinator.url, apiKey: apiKey)
            try StandardOutput.show(answer: String(decoding: body, as: UTF8.self) + "\n")
        } else {
            let status = try Self.fetch(coordinator.url, apiKey: apiKey)
            try StandardOutput.show(StatusReport(status).text)
        }
        return ExitStatus.done
    }

    private static let path = "/caravan/status"

    /// The status of the coordinator at `url`.
    static func fetch(
        _ url: String, apiKey: String?, timeoutSeconds: Double = HTTPClient.timeoutSeconds
    ) throws -> ClusterStatus {
        try answer(url, apiKey: apiKey, timeoutSeconds: timeoutSeconds).status
    }

    /// The same beside the bytes it was read from.
    private static func answer(
        _ url: String, apiKey: String?, timeoutSeconds: Double = HTTPClient.timeoutSeconds
    ) throws -> (status: ClusterStatus, body: Data) {
        let body = try HTTPClient.get(url + path, apiKey: apiKey, timeoutSeconds: timeoutSeconds)
        guard let status = try? JSONDecoder().decode(ClusterStatus.self, from: body) else {
            throw HTTPClientError.notACoordinator(url)
        }
        return (status, body)
    }
}
