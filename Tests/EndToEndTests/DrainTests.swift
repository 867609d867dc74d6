// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

extension EndToEndTests {
    /// Workers that leave with notice, and that join, while streams run.
    @Suite struct DrainTests {
        private static let path = "/v1/chat/completions"

        private func bodies(_ cluster: TestCluster, tokens: Int) -> [String] {
            let question = "Write a very long story about a caravan."
            return [nil, nil, 7, 8].map {
                cluster.chat(question, tokens: tokens, stream: true, seed: $0)
            }
        }

        private func content(_ request: RunningProcess, _ cluster: TestCluster) throws -> String {
            #expect(try request.waitForExit(.seconds(150)) == 0, "\(cluster.log)")
            let events = EventStream(text: request.output)
            #expect(events.isComplete && !events.hasError, "\(request.output.suffix(400))")
            return try events.content()
        }

        /// Runs the streams, two at a time, and `change` in the midst of the first two; they must
        /// bring what they bring undisturbed.
        private func streams(
            _ cluster: TestCluster, tokens: Int, are expected: [String],
            through change: () throws -> Void
        ) throws {
            let requests = try bodies(cluster, tokens: tokens).map {
                try cluster.http.stream(Self.path, $0)
            }
            let areUnderWay = Deadline.wait {
                requests.count { $0.output.split(separator: "data: ").count > 10 } >= 2
            }
            #expect(areUnderWay, "\(cluster.log)")
            try change()
            for (request, whole) in zip(requests, expected) {
                #expect(try content(request, cluster) == whole)
            }
        }

        /// The first, a middle and the last stage go, by command and by signal.
        @Test func streamsGoOnWhileWorkersLeave() throws {
            let cluster = try TestCluster(workerCount: 4)
            let url = "http://127.0.0.1:\(cluster.http.port)"
            let expected = try bodies(cluster, tokens: 150).map {
                try content(try cluster.http.stream(Self.path, $0), cluster)
            }
            #expect(Set(expected).count == 3)
            func order() throws -> [String] { try cluster.status().stages.map(\.worker) }
            func process(_ name: String) throws -> RunningProcess {
                cluster.workers[try #require(name.last.flatMap { Int(String($0)) }) - 1]
            }
            func expectGone(_ name: String, from before: [String]) throws {
                #expect(try process(name).waitForExit() == 0, "\(cluster.log)")
                #expect(try process(name).errors.contains("released: "))
                #expect(Deadline.wait { cluster.http.health() == 200 })
                #expect(try Set(order()) == Set(before).subtracting([name]))
            }
            // The first stage, by command.
            var before = try order()
            try streams(cluster, tokens: 150, are: expected) {
                let name = before[0]
                let drain = try Caravan.run(["drain", name, "--url", url], in: cluster.directory)
                #expect(drain.status == 0 && drain.errors.isEmpty, "\(drain) \(cluster.log)")
                try expectGone(name, from: before)
                let rest = try order().joined(separator: ", ")
                #expect(drain.output == "worker \(name) is drained; plan 2 runs on \(rest)\n")
            }
            // A middle one and the last, by signals.
            for (place, signal) in [(1, SIGTERM), (1, SIGINT)] {
                before = try order()
                try streams(cluster, tokens: 150, are: expected) {
                    try process(before[place]).signal(signal)
                    try expectGone(before[place], from: before)
                }
            }
            let last = try order()[0]
            let refused = try Caravan.run(["drain", last, "--url", url], in: cluster.directory)
            #expect(refused.status == 1 && refused.output.isEmpty)
            let line = "caravan drain: worker \(last) can't be drained: there is no other; "
            #expect(refused.errors == line + "let another join first\n")
            let unknown = try Caravan.run(["drain", "w9", "--url", url], in: cluster.directory)
            #expect(unknown.status == 1)
            #expect(unknown.errors == "caravan drain: there is no worker w9; there are \(last)\n")
            #expect(!cluster.coordinator.errors.contains("was lost"))
            try cluster.stop()
        }

        /// One joins while streams run. Whether this machine's plan gains from it is measured, and
        /// said.
        @Test func streamsGoOnWhileAWorkerJoins() throws {
            let cluster = try TestCluster(workerCount: 1)
            let expected = try bodies(cluster, tokens: 400).map {
                try content(try cluster.http.stream(Self.path, $0), cluster)
            }
            let late = try TestCluster.startWorker(
                "w2", joining: cluster.workersPort, memory: "512MiB", in: cluster.directory)
            var rounds = 0
            repeat {
                rounds += 1
                try streams(cluster, tokens: 400, are: expected) {}
            } while try isUndecided(cluster) && rounds < 20
            #expect(try !isUndecided(cluster), "\(cluster.log)")
            #expect(!cluster.coordinator.errors.contains("was lost"))
            late.terminate()
            #expect(try late.waitForExit() == 0)
            try cluster.stop()
        }

        private func isUndecided(_ cluster: TestCluster) throws -> Bool {
            let members = try cluster.status().members
            return !members.contains {
                $0.name == "w2" && ($0.role == "serving" || !$0.note.isEmpty)
            }
        }

        /// With streams running and nobody to take its layers a worker waits; not a second time.
        @Test func aSecondSignalEndsAWorkerAtOnce() throws {
            let cluster = try TestCluster(workerCount: 1)
            let body = bodies(cluster, tokens: 1500)[0]
            let request = try cluster.http.stream(Self.path, body)
            #expect(Deadline.wait { request.output.split(separator: "data: ").count > 10 })
            let worker = cluster.workers[0]
            worker.terminate()
            #expect(
                Deadline.wait { (try? cluster.status().members.first?.role) == "draining" },
                "\(cluster.log)")
            #expect(try cluster.status().members[0].note.contains("short"))
            #expect(worker.isRunning)
            worker.terminate()
            #expect(try worker.waitForExit(.seconds(10)) == 0)
            #expect(Deadline.wait { cluster.coordinator.errors.contains("is gone: it left") })
            request.kill()
            try cluster.stop()
        }

        /// Too little memory elsewhere: said in a line that says how much, and nothing changes.
        @Test func aDrainIsRefusedForMemory() throws {
            let cluster = try TestCluster(workerCount: 2, memory: "130MiB")
            let url = "http://127.0.0.1:\(cluster.http.port)"
            let drain = try Caravan.run(["drain", "w2", "--url", url], in: cluster.directory)
            #expect(drain.status == 1 && drain.output.isEmpty, "\(drain) \(cluster.log)")
            #expect(drain.errors.contains("without it the workers' memory is "))
            #expect(drain.errors.contains(" MiB short; "))
            #expect(drain.errors.split(separator: "\n").count == 1)
            let answer = try cluster.http.post("/caravan/drain", #"{"worker": "w2"}"#)
            #expect(answer.status == 409 && answer.body.contains("memory_short"))
            #expect(try cluster.status().stages.count == 2)
            try cluster.stop()
        }
    }
}
