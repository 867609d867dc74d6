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

    init(_ options: Options) {
        coordinator = CoordinatorAddress(options)
        asJSON = options.has("--json")
    }

    func run() throws -> Int32 {
        let apiKey = try coordinator.apiKey()
        if asJSON {
            let body = try HTTPClient.get(coordinator.url + Self.path, apiKey: apiKey)
            print(String(decoding: body, as: UTF8.self))
        } else {
            let status = try Self.fetch(coordinator.url, apiKey: apiKey)
            print(StatusReport(status).text, terminator: "")
        }
        return ExitStatus.done
    }

    private static let path = "/caravan/status"

    /// The status of the coordinator at `url`.
    static func fetch(
        _ url: String, apiKey: String?, timeoutSeconds: Double = HTTPClient.timeoutSeconds
    ) throws -> ClusterStatus {
        let body = try HTTPClient.get(url + path, apiKey: apiKey, timeoutSeconds: timeoutSeconds)
        guard let status = try? JSONDecoder().decode(ClusterStatus.self, from: body) else {
            throw HTTPClientError.notACoordinator(url)
        }
        return status
    }
}
