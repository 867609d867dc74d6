// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

extension EndToEndTests {
    /// Processes that end: politely, or not.
    @Suite struct EndingTests {
        @Test(arguments: [SIGTERM, SIGINT])
        func serveEndsWithItsWorkers(signal: Int32) throws {
            let directory = try TemporaryDirectory()
            let http = HTTP(directory: directory, port: try RawConnection.freePort())
            let server = try Caravan.start(
                [
                    "serve", TestModel.path, "--listen", "127.0.0.1:\(http.port)",
                    "--workers-listen", "127.0.0.1:0", "--local", "3", "--threads", "1",
                    "--context", "512",
                ], in: directory)
            #expect(Deadline.wait { http.health() == 200 }, "\(server.errors)")
            #expect(ProcessTable.living(directory).count == 4)

            let start = ContinuousClock.now
            server.signal(signal)
            let status = try server.waitForExit(.seconds(10))
            #expect(Deadline.wait(.seconds(10)) { ProcessTable.living(directory).isEmpty })
            #expect(ContinuousClock.now - start < .seconds(2))
            #expect(status == 0 || status == 128 + signal, "status \(status): \(server.errors)")
            #expect(try temporaryFiles(directory) == [])
        }

        /// However the parent dies, its workers follow.
        @Test func killedServerLeavesNoWorkers() throws {
            let directory = try TemporaryDirectory()
            let http = HTTP(directory: directory, port: try RawConnection.freePort())
            let server = try Caravan.start(
                [
                    "serve", TestModel.path, "--listen", "127.0.0.1:\(http.port)",
                    "--workers-listen", "127.0.0.1:0", "--local", "2", "--threads", "1",
                    "--context", "512",
                ], in: directory)
            #expect(Deadline.wait { http.health() == 200 }, "\(server.errors)")
            server.kill()
            #expect(Deadline.wait(.seconds(10)) { ProcessTable.living(directory).isEmpty })
        }

        @Test func killedWorkerFailsItsRequestsClearly() throws {
            let cluster = try TestCluster(workerCount: 2)
            let body = cluster.chat(
                "Write a very long story about a caravan.", tokens: 1500, stream: true)
            let request = try cluster.http.stream("/v1/chat/completions", body)
            #expect(Deadline.wait { request.output.contains("data: ") || !request.isRunning })
            cluster.workers[1].kill()
            #expect(try request.waitForExit(.seconds(15)) != 28, "curl gave up waiting")
            let events = EventStream(text: request.output)
            #expect(events.hasError, "\(request.output.suffix(400))")
            #expect(cluster.coordinator.isRunning)
            #expect(cluster.http.health() != 0)
            try cluster.stop()
        }

        @Test func workerEndsWhileItIsStillJoining() throws {
            let directory = try TemporaryDirectory()
            let dataPort = try RawConnection.freePort()
            let worker = try TestCluster.startWorker(
                "lonely", joining: RawConnection.freePort(), memory: "256MiB", dataPort: dataPort,
                in: directory)
            #expect(Deadline.wait { (try? RawConnection(port: dataPort)) != nil })
            let start = ContinuousClock.now
            worker.terminate()
            try worker.waitForExit(.seconds(10))
            #expect(ContinuousClock.now - start < .seconds(2))
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
