// SPDX-License-Identifier: Apache-2.0

import Foundation
import Platform
import TestSupport

/// A coordinator and workers on loopback, with a directory of their own.
final class TestCluster {
    let directory: TemporaryDirectory
    let http: HTTP
    let workersPort: Int
    /// In the workers' order.
    private(set) var dataPorts: [Int] = []
    private(set) var coordinator: RunningProcess
    private(set) var workers: [RunningProcess] = []
    private let serving: [String]

    /// Starts them and waits until requests are answered, by all workers together.
    init(
        workerCount: Int, in directory: TemporaryDirectory? = nil, memory: String = "512MiB",
        isPlaintext: Bool = false, serving: [String] = ["--context", "2048", "--slots", "2"],
        apiKey: String? = nil
    ) throws {
        let directory = try directory ?? TemporaryDirectory()
        let security = isPlaintext ? ["--plaintext"] : []
        self.directory = directory
        // A plan of those that came first would be another test.
        self.serving = serving + security + ["--expect", "\(workerCount)"]
        http = HTTP(directory: directory, port: try RawConnection.heldPort(), apiKey: apiKey)
        workersPort = try RawConnection.heldPort()
        coordinator = try Self.startCoordinator(
            self.serving, http: http.port, workers: workersPort, in: directory)
        _ = Deadline.wait { coordinator.errors.contains(" --join ") || !coordinator.isRunning }
        for number in 1...workerCount {
            workers.append(
                try Self.startWorker(
                    "w\(number)", joining: workersPort, memory: memory, in: directory,
                    security: security))
        }
        try waitUntilReady()
        dataPorts = try status().stages.sorted { $0.worker < $1.worker }.map { stage in
            try Self.port(of: stage.address)
        }
    }

    private static func startCoordinator(
        _ serving: [String], http: Int, workers: Int, in directory: TemporaryDirectory
    ) throws -> RunningProcess {
        try Caravan.start(
            [
                "serve", TestModel.path, "--listen", "127.0.0.1:\(http)",
                "--workers-listen", "127.0.0.1:\(workers)",
            ] + serving, in: directory)
    }

    private static func port(of address: String) throws -> Int {
        guard let port = address.split(separator: ":").last.flatMap({ Int($0) }) else {
            throw HarnessError.noAnswer("'\(address)' has no port")
        }
        return port
    }

    /// Kills the coordinator and starts it again where it was; the workers live.
    func restartCoordinator() throws {
        coordinator.kill()
        try coordinator.waitForExit()
        coordinator = try Self.startCoordinator(
            serving, http: http.port, workers: workersPort, in: directory)
        try waitUntilReady()
    }

    /// Requests that come from now on wait for a worker.
    func killWorkers() throws {
        for worker in workers { worker.kill() }
        for worker in workers { try worker.waitForExit() }
    }

    /// Starts the first of the workers that were killed again.
    func startWorkerAgain() throws {
        workers[0] = try Caravan.start(workers[0].arguments, in: directory)
    }

    deinit { try? stop() }

    /// Where the processes of one directory have their cluster token.
    static func tokenPath(_ directory: TemporaryDirectory) -> String {
        directory.file("state/caravan/token")
    }

    static func startWorker(
        _ name: String, joining port: Int, memory: String, dataPort: Int? = nil,
        in directory: TemporaryDirectory, security: [String] = [], speedFactor: Int = 1
    ) throws -> RunningProcess {
        // A worker may come before the coordinator, which would make the token.
        _ = try TokenFile.readOrMake(tokenPath(directory))
        let data = dataPort.map { ["--data-listen", "127.0.0.1:\($0)"] } ?? []
        let cache = directory.file("blobs-\(name)")
        try MeasuredSpeed.lay(in: cache, times: speedFactor)
        return try Caravan.start(
            [
                "worker", "--join", "127.0.0.1:\(port)", "--name", name, "--memory", memory,
                "--threads", "1", "--cache", cache,
            ] + data + security, in: directory)
    }

    /// All workers run a stage.
    private func waitUntilReady() throws {
        let processes = [coordinator] + workers
        let isReady = try Deadline.wait {
            for process in processes where !process.isRunning {
                throw HarnessError.endedEarly(
                    process.arguments.joined(separator: " "),
                    status: try process.waitForExit(), log: process.errors)
            }
            guard http.health() == 200 else { return false }
            return try status().stages.count == workers.count
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
            var address: String
            var layerStart: Int
            var layerEnd: Int
            var residentBytes: Int
            var computeMicrosecondsPerToken: Int
        }
        struct Member: Decodable {
            var name: String
            var role: String
            var note: String
        }
        var state: String
        var epoch: Int
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
        var members: [Member]
    }

    /// A chat request's body: greedy, or drawn with `seed`.
    func chat(
        _ text: String, tokens: Int, stream: Bool, seed: Int? = nil, ignoringEnd: Bool = false
    ) -> String {
        """
        {"model": "SmolLM2-135M-Instruct.Q4_1", "max_tokens": \(tokens),
         "temperature": \(seed == nil ? 0 : 1), "seed": \(seed ?? 0),
         "ignore_eos": \(ignoringEnd), "stream": \(stream),
         "messages": [{"role": "user", "content": "\(text)"}]}
        """
    }
}
