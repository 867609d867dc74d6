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
            func expectGone(_ index: Int, leaving names: [String]) throws {
                #expect(try cluster.workers[index].waitForExit() == 0, "\(cluster.log)")
                #expect(cluster.workers[index].errors.contains("released: "))
                #expect(Deadline.wait { cluster.http.health() == 200 })
                #expect(try cluster.status().stages.map(\.worker) == names)
            }
            try streams(cluster, tokens: 150, are: expected) {
                let drain = try Caravan.run(["drain", "w1", "--url", url], in: cluster.directory)
                #expect(drain.status == 0 && drain.errors.isEmpty, "\(drain) \(cluster.log)")
                #expect(drain.output == "worker w1 is drained; plan 2 runs on w2, w3, w4\n")
                try expectGone(0, leaving: ["w2", "w3", "w4"])
            }
            try streams(cluster, tokens: 150, are: expected) {
                cluster.workers[2].terminate()
                try expectGone(2, leaving: ["w2", "w4"])
            }
            try streams(cluster, tokens: 150, are: expected) {
                cluster.workers[3].signal(SIGINT)
                try expectGone(3, leaving: ["w2"])
            }
            let last = try Caravan.run(["drain", "w2", "--url", url], in: cluster.directory)
            #expect(last.status == 1 && last.output.isEmpty)
            let line = "caravan drain: worker w2 can't be drained: there is no other; "
            #expect(last.errors == line + "let another join first\n")
            let unknown = try Caravan.run(["drain", "w9", "--url", url], in: cluster.directory)
            #expect(unknown.status == 1)
            #expect(unknown.errors == "caravan drain: there is no worker w9; there are w2\n")
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
