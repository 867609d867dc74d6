// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

extension EndToEndTests {
    /// Processes that end: politely, or not.
    @Suite struct EndingTests {
        /// A server that is ready, with so many workers of its own.
        private func serve(
            local count: Int, in directory: TemporaryDirectory
        ) throws -> (server: RunningProcess, http: HTTP) {
            let http = HTTP(directory: directory, port: try RawConnection.heldPort())
            let server = try Caravan.start(
                [
                    "serve", TestModel.path, "--listen", "127.0.0.1:\(http.port)",
                    "--workers-listen", "127.0.0.1:0", "--local", "\(count)", "--threads", "1",
                    "--context", "512",
                ], in: directory)
            #expect(Deadline.wait { http.health() == 200 }, "\(server.errors)")
            return (server, http)
        }

        @Test(arguments: [SIGTERM, SIGINT])
        func serveEndsWithItsWorkers(signal: Int32) throws {
            let directory = try TemporaryDirectory()
            let (server, _) = try serve(local: 3, in: directory)
            #expect(ProcessTable.living(directory).count == 4)

            server.signal(signal)
            let status = try server.waitForExit(.seconds(10))
            #expect(Deadline.wait(.seconds(10)) { ProcessTable.living(directory).isEmpty })
            #expect(status == 0 || status == 128 + signal, "status \(status): \(server.errors)")
            #expect(!server.errors.contains(" warning "), "\(server.errors)")
            #expect(try temporaryFiles(directory) == [])
        }

        /// However the parent dies, its workers follow, without a word of theirs.
        @Test func killedServerLeavesNoWorkers() throws {
            let directory = try TemporaryDirectory()
            let (server, _) = try serve(local: 2, in: directory)
            server.kill()
            #expect(Deadline.wait(.seconds(10)) { ProcessTable.living(directory).isEmpty })
            let isQuiet = !["link to the coordinator ended", " warning "].contains {
                server.errors.contains($0)
            }
            #expect(isQuiet, "\(server.errors)")
        }

        /// Nobody but a start anew brings its workers back; one that is left serves on.
        @Test func serveEndsWhenItsLastWorkerHas() throws {
            let directory = try TemporaryDirectory()
            let (server, http) = try serve(local: 2, in: directory)
            let workers = ProcessTable.living(directory).filter { $0 != server.processID }
            #expect(workers.count == 2)
            kill(workers[0], SIGKILL)
            let isAlone = Deadline.wait {
                server.errors.contains("plan 2 is ready") && http.health() == 200
            }
            #expect(isAlone, "\(server.errors)")
            kill(workers[1], SIGKILL)
            #expect(try server.waitForExit(.seconds(10)) == 1)
            let last = server.errors.split(separator: "\n").last ?? ""
            #expect(last.contains("no worker is left: worker local-"), "\(server.errors)")
        }

        /// As soon as it has a worker, which is joining or loading.
        @Test func interruptedBenchSaysNothing() throws {
            let directory = try TemporaryDirectory()
            let bench = try Caravan.start(
                ["bench", TestModel.path, "--local", "1", "--threads", "1"], in: directory)
            let hasWorker = Deadline.wait {
                ProcessTable.living(directory).count == 2 || !bench.isRunning
            }
            #expect(hasWorker && bench.isRunning, "\(bench.errors)")
            bench.signal(SIGINT)
            #expect(try bench.waitForExit(.seconds(10)) == 128 + SIGINT)
            #expect(Deadline.wait(.seconds(10)) { ProcessTable.living(directory).isEmpty })
            #expect(bench.errors.isEmpty, "\(bench.errors)")
        }

        /// Long enough that they do not end before a worker does.
        private static func bodies(_ cluster: TestCluster) -> [String] {
            [nil, 7].map {
                cluster.chat(
                    "Write a very long story about a caravan.", tokens: 400, stream: true,
                    seed: $0, ignoringEnd: true)
            }
        }

        /// What undisturbed streams say; the same wherever layers are.
        private static let expected = Result {
            let cluster = try TestCluster(workerCount: 3)
            let contents = try bodies(cluster).map { body in
                let request = try cluster.http.stream(path, body)
                #expect(request.awaitEnd(), "\(cluster.log)")
                return try EventStream(text: request.output).content()
            }
            try cluster.stop()
            return contents
        }

        private static let path = "/v1/chat/completions"

        /// The streams go on, with the tokens that they would have had, whether the worker is dead
        /// or hangs.
        @Test(arguments: [(0, SIGKILL), (1, SIGKILL), (2, SIGKILL), (1, SIGSTOP)])
        func streamsSurviveAKilledWorker(index: Int, signal: Int32) throws {
            let expected = try Self.expected.get()
            #expect(expected[0] != expected[1])
            let cluster = try TestCluster(workerCount: 3)
            let requests = try Self.bodies(cluster).map { try cluster.http.stream(Self.path, $0) }
            let areUnderWay = Deadline.wait {
                requests.allSatisfy { $0.output.split(separator: "data: ").count > 10 }
            }
            #expect(areUnderWay, "\(cluster.log)")
            cluster.workers[index].signal(signal)
            for (request, whole) in zip(requests, expected) {
                #expect(request.awaitEnd(), "\(cluster.log)")
                let events = EventStream(text: request.output)
                #expect(events.isComplete && !events.hasError, "\(request.output.suffix(400))")
                #expect(try events.content() == whole)
                #expect(request.output.contains("\n: waiting\n"))
            }
            #expect(try cluster.status().stages.count == 2)
            // One that hangs would not end by itself.
            cluster.workers[index].kill()
            try cluster.stop()
        }

        /// The workers live on, join the next one and have all it would ship.
        @Test func workersServeAKilledCoordinatorsSuccessor() throws {
            let cluster = try TestCluster(workerCount: 2)
            #expect(try cluster.status().shippedBytes > 0)
            let body = cluster.chat("Tell me about rivers.", tokens: 8, stream: false)
            let before = try cluster.http.post("/v1/chat/completions", body)
            try cluster.restartCoordinator()
            #expect(try cluster.status().shippedBytes == 0, "\(cluster.log)")
            let after = try cluster.http.post("/v1/chat/completions", body)
            #expect(before.status == 200 && after.status == 200)
            #expect(try text(after) == text(before))
            #expect(cluster.workers.allSatisfy { $0.isRunning })
            try cluster.stop()
        }

        private func text(_ answer: HTTP.Answer) throws -> String {
            struct Reply: Decodable {
                struct Choice: Decodable { var message: Message }
                struct Message: Decodable { var content: String }
                var choices: [Choice]
            }
            return try answer.decoded(Reply.self).choices.map(\.message.content).joined()
        }

        @Test(arguments: [SIGTERM, SIGHUP])
        func workerEndsWhileItIsStillJoining(signal: Int32) throws {
            let directory = try TemporaryDirectory()
            let dataPort = try RawConnection.heldPort()
            let worker = try TestCluster.startWorker(
                "lonely", joining: RawConnection.heldPort(), memory: "256MiB", dataPort: dataPort,
                in: directory)
            #expect(Deadline.wait { (try? RawConnection(port: dataPort)) != nil })
            worker.signal(signal)
            #expect(try worker.waitForExit(.seconds(10)) == 0)
            #expect(try temporaryFiles(directory) == [])
        }

        /// Partial files and others that a process should have taken with it.
        private func temporaryFiles(_ directory: TemporaryDirectory) throws -> [String] {
            let rest = try FileManager.default.contentsOfDirectory(atPath: directory.file("tmp"))
            let cached =
                FileManager.default.enumerator(atPath: directory.path)?
                .compactMap { $0 as? String } ?? []
            return rest + cached.filter { $0.contains(".partial") || $0.contains(".tmp") }
        }
    }
}
