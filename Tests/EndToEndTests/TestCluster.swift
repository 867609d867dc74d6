// SPDX-License-Identifier: Apache-2.0

import Foundation
import Platform
import TestSupport

/// A coordinator and workers on loopback, with a directory of their own.
final class TestCluster {
    let directory: TemporaryDirectory
    let http: HTTP
    let workersPort: Int
    let dataPorts: [Int]
    let coordinator: RunningProcess
    private(set) var workers: [RunningProcess] = []

    /// Starts them and waits until requests are answered.
    init(
        workerCount: Int, in directory: TemporaryDirectory? = nil, memory: String = "512MiB",
        isPlaintext: Bool = false, serving: [String] = ["--context", "2048", "--slots", "2"]
    ) throws {
        let directory = try directory ?? TemporaryDirectory()
        let security = isPlaintext ? ["--plaintext"] : []
        self.directory = directory
        http = HTTP(directory: directory, port: try RawConnection.freePort())
        workersPort = try RawConnection.freePort()
        dataPorts = try (0..<workerCount).map { _ in try RawConnection.freePort() }
        coordinator = try Caravan.start(
            [
                "serve", TestModel.path, "--listen", "127.0.0.1:\(http.port)",
                "--workers-listen", "127.0.0.1:\(workersPort)",
            ] + serving + security, in: directory)
        for (index, port) in dataPorts.enumerated() {
            workers.append(
                try Self.startWorker(
                    "w\(index + 1)", joining: workersPort, memory: memory, dataPort: port,
                    in: directory, security: security))
        }
        try waitUntilReady()
    }

    deinit { try? stop() }

    /// Where the processes of one directory have their cluster token.
    static func tokenPath(_ directory: TemporaryDirectory) -> String {
        directory.file("state/caravan/token")
    }

    static func startWorker(
        _ name: String, joining port: Int, memory: String, dataPort: Int? = nil,
        in directory: TemporaryDirectory, security: [String] = []
    ) throws -> RunningProcess {
        // A worker may come before the coordinator, which would make the token.
        _ = try TokenFile.readOrMake(tokenPath(directory))
        let data = dataPort.map { ["--data-listen", "127.0.0.1:\($0)"] } ?? []
        return try Caravan.start(
            [
                "worker", "--join", "127.0.0.1:\(port)", "--name", name, "--memory", memory,
                "--threads", "1", "--cache", directory.file("blobs-\(name)"),
            ] + data + security, in: directory)
    }

    func waitUntilReady() throws {
        let processes = [coordinator] + workers
        let isReady = try Deadline.wait {
            for process in processes where !process.isRunning {
                throw HarnessError.endedEarly(
                    process.arguments.joined(separator: " "),
                    status: try process.waitForExit(), log: process.errors)
            }
            return http.health() == 200
        }
        guard isReady else { throw HarnessError.neverReady("the cluster", log: log) }
    }

    /// Ends everything as an operator would.
    func stop() throws {
        for process in workers + [coordinator] where process.isRunning { process.terminate() }
        for process in workers + [coordinator] { try process.waitForExit(.seconds(10)) }
    }

    /// Everything the processes logged, for a failing test's message.
    var log: String { ([coordinator] + workers).map(\.errors).joined(separator: "\n---\n") }

    func status() throws -> Status { try http.get("/caravan/status").decoded(Status.self) }

    /// The parts of `GET /caravan/status` that tests look at.
    struct Status: Decodable {
        struct Stage: Decodable {
            var worker: String
            var layerStart: Int
            var layerEnd: Int
            var residentBytes: Int
            var computeMicrosecondsPerToken: Int
        }
        var state: String
        var layerCount: Int
        var requestsServed: Int
        var contextLength: Int
        var slotsInUse: Int
        var waiting: Int
        var pageCount: Int
        var pageTokens: Int
        var pagesInUse: Int
        var pagesKept: Int
        var preemptions: Int
        var promptTokens: Int
        var coordinatorPrivateBytes: Int
        var vocabularyTableBytes: Int
        var shippedBytes: Int
        var stages: [Stage]
    }

    /// A chat request's body: greedy, or drawn with `seed`.
    func chat(_ text: String, tokens: Int, stream: Bool, seed: Int? = nil) -> String {
        """
        {"model": "SmolLM2-135M-Instruct.Q4_1", "max_tokens": \(tokens),
         "temperature": \(seed == nil ? 0 : 1), "seed": \(seed ?? 0),
         "stream": \(stream), "messages": [{"role": "user", "content": "\(text)"}]}
        """
    }
}
