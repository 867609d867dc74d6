// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

extension EndToEndTests {
    /// Workers that leave with notice, and that join, while streams run.
    @Suite struct DrainTests {
        private static let path = "/v1/chat/completions"

        /// More than come before the clients are ended.
        private static let tokensMax = 3500
        private static let serving = ["--context", "4096", "--slots", "2"]

        private func bodies(_ cluster: TestCluster) -> [String] {
            let question = "Write a very long story about a caravan."
            return [nil, nil, 7, 8].map {
                cluster.chat(
                    question, tokens: Self.tokensMax, stream: true, seed: $0, ignoringEnd: true)
            }
        }

        private func content(_ stream: EventStream) throws -> String {
            #expect(!stream.hasError, "\(stream.text.suffix(400))")
            return try stream.content()
        }

        /// Runs the streams, two at a time, with `change` in the midst of the first two: all get
        /// more words after it. What each had by then.
        private func streams(
            _ cluster: TestCluster, through change: () throws -> Void
        ) throws -> [String] {
            let requests = try bodies(cluster).map { try cluster.http.stream(Self.path, $0) }
            let areUnderWay = Deadline.wait { requests.count { $0.eventCount > 10 } == 2 }
            #expect(areUnderWay, "\(cluster.log)")
            let isFirst = requests.map { $0.eventCount > 10 }
            try change()
            var texts = requests.map { _ in "" }
            // Those that wait for a slot get it when the first two are gone.
            for areFirst in [true, false] {
                let places = requests.indices.filter { isFirst[$0] == areFirst }
                for place in places { #expect(requests[place].awaitEvents(20), "\(cluster.log)") }
                for place in places { texts[place] = try content(requests[place].hangUp()) }
            }
            return texts
        }

        /// Each text is how the undisturbed answer to its body begins. A round has one for each of
        /// the first bodies.
        private func expectUndisturbed(_ cluster: TestCluster, _ rounds: [[String]]) throws {
            let places = rounds[0].indices
            let wholes = try zip(places, bodies(cluster)).map { place, body in
                let wanted = rounds.map { $0[place].utf8.count }.max() ?? 0
                let request = try cluster.http.stream(Self.path, body)
                // As long as it goes on: how many were said by then is the machine's business.
                func saidCount() throws -> Int {
                    try EventStream(wholeEventsOf: request.output).content().utf8.count
                }
                while try saidCount() < wanted, request.awaitEvents(20) {}
                return try content(request.hangUp())
            }
            for (number, texts) in rounds.enumerated() {
                for (text, whole) in zip(texts, wholes) {
                    #expect(!text.isEmpty && whole.hasPrefix(text), "round \(number)")
                }
            }
        }

        /// The first, a middle and the last stage go, by command and by signal.
        @Test func streamsGoOnWhileWorkersLeave() throws {
            let cluster = try TestCluster(workerCount: 4, serving: Self.serving)
            let url = "http://127.0.0.1:\(cluster.http.port)"
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
            let texts = try streams(cluster) {
                let name = before[0]
                let drain = try Caravan.run(["drain", name, "--url", url], in: cluster.directory)
                #expect(drain.status == 0 && drain.errors.isEmpty, "\(drain) \(cluster.log)")
                try expectGone(name, from: before)
                let rest = try order().joined(separator: ", ")
                #expect(drain.output == "worker \(name) is drained; plan 2 runs on \(rest)\n")
            }
            var rounds = [texts]
            // A middle one and the last, by signals.
            for (place, signal) in [(1, SIGTERM), (1, SIGINT)] {
                before = try order()
                let texts = try streams(cluster) {
                    try process(before[place]).signal(signal)
                    try expectGone(before[place], from: before)
                }
                rounds.append(texts)
            }
            try expectUndisturbed(cluster, rounds)
            let last = try order()[0]
            let refused = try Caravan.run(["drain", last, "--url", url], in: cluster.directory)
            #expect(refused.status == 1 && refused.output.isEmpty)
            let line = "caravan drain: worker \(last) can't be drained: there is no other; "
            #expect(refused.errors == line + "let another join first\n")
            let unknown = try Caravan.run(["drain", "w9", "--url", url], in: cluster.directory)
            #expect(unknown.status == 1)
            #expect(unknown.errors == "caravan drain: there is no worker w9; there are \(last)\n")
            // Links end with each plan: that is nothing to warn of.
            let warnings = cluster.log.split(separator: "\n").filter {
                $0.contains(" warning ") && $0.contains("the next stage")
            }
            #expect(warnings.isEmpty, "\(warnings)")
            #expect(!cluster.coordinator.errors.contains("was lost"))
            try cluster.stop()
        }

        /// One joins that says it is far faster: the plan changes while streams run, one
        /// begun before the other ends.
        @Test func streamsGoOnWhileAWorkerJoins() throws {
            let cluster = try TestCluster(workerCount: 1, serving: Self.serving)
            let body = bodies(cluster)[0]
            var streams = [try cluster.http.stream(Self.path, body)]
            #expect(streams[0].awaitEvents(10), "\(cluster.log)")
            let before = try cluster.status()
            #expect(before.epoch == 1 && before.slotsInUse > 0)
            let late = try TestCluster.startWorker(
                "w2", joining: cluster.workersPort, memory: "512MiB", in: cluster.directory,
                speedFactor: 16)
            var after: TestCluster.Status?
            let isTakenIn = try Deadline.wait {
                if let last = streams.last, last.eventCount > 700 || !last.isRunning {
                    streams.append(try cluster.http.stream(Self.path, body))
                }
                let status = try cluster.status()
                after = status
                return status.epoch > 1 && status.state == "ready" && status.slotsInUse > 0
            }
            #expect(isTakenIn, "\(cluster.log)")
            #expect(
                try #require(after).members.contains { $0.name == "w2" && $0.role == "serving" })
            let newest = try #require(streams.last)
            #expect(newest.awaitEvents(20), "\(cluster.log)")
            let texts = try streams.map { try content($0.hangUp()) }
            #expect(streams.contains { $0.output.contains("\n: waiting\n") })
            try expectUndisturbed(cluster, texts.map { [$0] })
            #expect(!cluster.coordinator.errors.contains("was lost"))
            late.terminate()
            #expect(try late.waitForExit() == 0)
            try cluster.stop()
        }

        /// What a worker no longer has to hold is free, and what it has to hold again is never in
        /// memory twice.
        @Test func memoryFollowsTheLayers() throws {
            // So many that two stages serve them better.
            let cluster = try TestCluster(
                workerCount: 1, serving: ["--context", "256", "--slots", "16"])
            let worker = cluster.workers[0].processID
            let (whole, peak) = (
                ProcessTable.privateBytes(worker), ProcessTable.peakBytes(worker)
            )
            func awaitStages(_ count: Int) throws -> Bool {
                try Deadline.wait {
                    let stageCount = try cluster.status().stages.count
                    return cluster.http.health() == 200 && stageCount == count
                }
            }
            let late = try TestCluster.startWorker(
                "w2", joining: cluster.workersPort, memory: "512MiB", in: cluster.directory,
                speedFactor: 2)
            #expect(try awaitStages(2), "\(cluster.log)")
            // A layer takes 2.2 MB.
            let status = try cluster.status()
            let other = try #require(status.stages.first { $0.worker == "w2" })
            let moved = (other.layerEnd - other.layerStart) * 3 << 19
            #expect(moved > 0 && whole - ProcessTable.privateBytes(worker) > moved)
            late.terminate()
            #expect(try late.waitForExit() == 0)
            #expect(try awaitStages(1), "\(cluster.log)")
            #expect(peak > whole / 2 && ProcessTable.peakBytes(worker) - peak < 16 << 20)
            try cluster.stop()
        }

        /// With streams running and nobody to take its layers a worker waits; not a second time.
        @Test func aSecondSignalEndsAWorkerAtOnce() throws {
            let cluster = try TestCluster(workerCount: 1, serving: Self.serving)
            let request = try cluster.http.stream(Self.path, bodies(cluster)[0])
            #expect(request.awaitEvents(10), "\(cluster.log)")
            let worker = cluster.workers[0]
            worker.terminate()
            #expect(
                Deadline.wait { (try? cluster.status().members.first?.role) == "draining" },
                "\(cluster.log)")
            let member = try #require(try cluster.status().members.first)
            #expect(member.note.contains("short"))
            // A terminal that goes says so more than once.
            worker.signal(SIGHUP)
            worker.signal(SIGHUP)
            #expect(request.awaitEvents(30), "\(cluster.log)")
            #expect(worker.isRunning)
            worker.terminate()
            #expect(try worker.waitForExit(.seconds(10)) == 0)
            #expect(Deadline.wait { cluster.coordinator.errors.contains("is gone: it left") })
            request.kill()
            try cluster.stop()
        }

        /// Too little memory elsewhere: said in a line that says how much, and nothing changes.
        @Test func aDrainIsRefusedForMemory() throws {
            let cluster = try TestCluster(workerCount: 2, memory: "100MiB")
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
