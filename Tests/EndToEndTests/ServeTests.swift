// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

extension EndToEndTests {
    /// One coordinator and three workers, seen through HTTP.
    @Suite struct ServeTests {
        @Test func answersAndShowsItself() throws {
            let cluster = try TestCluster(workerCount: 3)
            let models = try cluster.http.get("/v1/models")
            #expect(models.status == 200 && models.body.contains("SmolLM2-135M-Instruct.Q4_1"))

            let path = "/v1/chat/completions"
            let question = "What is the capital of France?"
            let whole = try cluster.http.post(
                path, cluster.chat(question, tokens: 24, stream: false))
            #expect(whole.status == 200 && whole.body.contains("\"assistant\""), "\(whole.body)")

            let streamed = try cluster.http.stream(
                path, cluster.chat(question, tokens: 24, stream: true))
            #expect(try streamed.waitForExit() == 0)
            let events = EventStream(text: streamed.output)
            #expect(events.isComplete)
            let beginning = try quoted(events.content())
            #expect(beginning.count > 8 && whole.body.contains(beginning), "\(whole.body)")

            let status = try cluster.status()
            #expect(status.state == "ready" && status.requestsServed == 2)
            #expect(
                status.stages.map(\.layerStart) == [0] + status.stages.dropLast().map(\.layerEnd))
            #expect(status.stages.last?.layerEnd == status.layerCount)
            #expect(status.stages.allSatisfy { $0.computeMicrosecondsPerToken > 0 })
            // Each worker's first heartbeat tells it.
            let areResident = try Deadline.wait {
                try cluster.status().stages.allSatisfy { $0.residentBytes > 0 }
            }
            #expect(areResident, "\(cluster.log)")
            try cluster.stop()
        }

        /// Its private memory is at most 64 MiB above its vocabulary tables.
        @Test func coordinatorIsLight() throws {
            let cluster = try TestCluster(workerCount: 2)
            _ = try cluster.http.post(
                "/v1/chat/completions", cluster.chat("Hello", tokens: 8, stream: false))
            let status = try cluster.status()
            let limit = 64 << 20 + status.vocabularyTableBytes
            #expect((1 << 20...64 << 20).contains(status.vocabularyTableBytes))
            #expect(status.coordinatorPrivateBytes <= limit)
            // As the kernel counts it, not only as the coordinator says.
            #expect(ProcessTable.privateBytes(cluster.coordinator.processID) <= limit)
            try cluster.stop()
        }

        @Test func statusCommandShowsEachWorker() throws {
            let cluster = try TestCluster(workerCount: 3)
            let shown = try Caravan.run(
                ["status", "--url", "http://127.0.0.1:\(cluster.http.port)"],
                in: cluster.directory)
            #expect(shown.status == 0)
            for name in ["w1", "w2", "w3"] { #expect(shown.output.contains(name)) }
            // Not on a terminal `top` prints once, without a single escape sequence.
            let top = try Caravan.run(
                ["top", "--url", "http://127.0.0.1:\(cluster.http.port)"], in: cluster.directory)
            #expect(top.status == 0 && !top.output.contains("\u{1B}"))
            for name in ["w1", "w2", "w3", "plan 1 is ready"] {
                #expect(top.output.contains(name), "\(top.output)")
            }
            try cluster.stop()
        }

        @Test func openAIClientListsChatsAndStreams() throws {
            let cluster = try TestCluster(workerCount: 2)
            let script = URL(filePath: #filePath).deletingLastPathComponent()
                .appending(path: "openai_client.py").path
            let client = try RunningProcess(
                Self.python, [script, "http://127.0.0.1:\(cluster.http.port)/v1"],
                in: cluster.directory)
            let status = try client.waitForExit(.seconds(120))
            #expect(status == 0, "\(client.output)\(client.errors)")
            #expect(client.output.contains("all checks passed"))
            try cluster.stop()
        }

        @Test func operatorNamesTheModelAndSaysHowTokensAreDrawn() throws {
            struct Reply: Decodable {
                struct Choice: Decodable { var text: String }
                var model: String
                var choices: [Choice]
            }
            let cluster = try TestCluster(
                workerCount: 1,
                serving: ["--context", "512", "--model-name", "small", "--temperature", "0"])
            #expect(try cluster.http.get("/v1/models").body.contains("\"id\":\"small\""))
            let texts = try [1, 2].map { seed in
                let body = #"{"model":"small","prompt":"A caravan","seed":\#(seed)}"#
                let reply = try cluster.http.post("/v1/completions", body).decoded(Reply.self)
                #expect(reply.model == "small")
                return reply.choices.map(\.text)
            }
            // Without the option each seed would have its own.
            #expect(texts[0] == texts[1] && texts[0].first?.isEmpty == false)
            try cluster.stop()
        }

        @Test func secondStartShipsNothing() throws {
            let directory = try TemporaryDirectory()
            let first = try TestCluster(workerCount: 2, in: directory)
            #expect(try first.status().shippedBytes > 50_000_000, "\(first.log)")
            try first.stop()
            let second = try TestCluster(workerCount: 2, in: directory)
            #expect(try second.status().shippedBytes == 0, "\(second.log)")
            try second.stop()
        }

        @Test func workersMayComeFirst() throws {
            let directory = try TemporaryDirectory()
            let port = try RawConnection.heldPort()
            let worker = try TestCluster.startWorker(
                "early", joining: port, memory: "512MiB", in: directory)
            let http = HTTP(directory: directory, port: try RawConnection.heldPort())
            let coordinator = try Caravan.start(
                [
                    "serve", TestModel.path, "--listen", "127.0.0.1:\(http.port)",
                    "--workers-listen", "127.0.0.1:\(port)", "--context", "512",
                ], in: directory)
            #expect(Deadline.wait { http.health() == 200 }, "\(worker.errors)")
            for process in [worker, coordinator] {
                process.terminate()
                #expect(try [0, 128 + SIGTERM].contains(process.waitForExit(.seconds(10))))
            }
        }

        private static var python: String {
            let environment = ProcessInfo.processInfo.environment
            let cache = environment["XDG_CACHE_HOME"] ?? "\(environment["HOME"] ?? "")/.cache"
            return environment["CARAVAN_OPENAI_PYTHON"]
                ?? "\(cache)/caravan/venv-openai/bin/python"
        }

        /// The beginning of a text that JSON writes without escapes.
        private func quoted(_ text: String) -> String {
            String(text.prefix { $0 != "\n" && $0 != "\"" })
        }
    }
}
