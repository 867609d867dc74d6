// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

extension EndToEndTests {
    /// `caravan plan` without a cluster.
    @Suite struct PlanTests {
        private func plan(_ arguments: [String]) throws -> (
            status: Int32, output: String, errors: String
        ) {
            try Caravan.run(["plan"] + arguments, in: TemporaryDirectory())
        }

        @Test func largeModelOnSixBoxes() throws {
            let arguments = [
                "llama-3.1-405b", "--type", "q4_k_m", "--node",
                "memory=64GiB,bandwidth=40GB/s,count=6",
            ]
            let people = try plan(arguments)
            #expect(people.status == 0 && people.errors.isEmpty, "\(people)")
            #expect(people.output.contains("box-6") && people.output.contains("limit"))
            #expect(people.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
            let result = try plan(arguments + ["--json"])
            let json = try #require(
                try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
            let stages = try #require(json["stages"] as? [[String: Any]])
            #expect(stages.count == 6 && stages.last?["layerEnd"] as? Int == 126)
            // 243 GB read once at 40 GB/s.
            let rate = try #require(json["tokensPerSecondOfOneStream"] as? Double)
            #expect(rate > 0.155 && rate < 0.18)
        }

        /// Speeds are those of streams that have had a prompt like that of the first token, or all
        /// that they may have.
        @Test(arguments: [("4096", 512), ("40", 40)])
        func speedsAreOfANamedDepth(context: String, depth: Int) throws {
            let result = try plan([
                "llama-3.2-1b", "--context", context, "--node",
                "memory=8GiB,bandwidth=40GB/s,count=2",
            ])
            #expect(result.output.contains(" tokens/s at depth \(depth)\n"), "\(result)")
        }

        @Test func boxesTooSmall() throws {
            let result = try plan([
                "llama-3.1-405b", "--node", "memory=24GiB,bandwidth=40GB/s,count=6",
            ])
            #expect(result.status == 1 && result.output.contains("GiB more memory is needed"))
        }

        @Test func contextThatTheModelDoesNotTakeIsRefused() throws {
            let result = try plan([
                "llama-3.1-8b", "--context", "131073", "--node", "memory=64GiB,bandwidth=40GB/s",
            ])
            #expect(result.status == 1 && result.output.isEmpty, "\(result)")
            #expect(
                result.errors.contains("--context is 131073 and the model takes 131072 tokens"))
        }

        @Test(arguments: [
            "", "memory", "memory=", "memory=8GiB", "bandwidth=20GB/s", "memory=x,bandwidth=1GB/s",
            "memory=8GiB,bandwidth=fast", "memory=8GiB,bandwidth=-1GB/s",
            "memory=8GiB,bandwidth=20GB/s,count=0", "memory=8GiB,bandwidth=20GB/s,colour=red",
            "memory=8GiB,bandwidth=20GB/s,rtt=1", "memory=8GiB,bandwidth=20GB/s,link=wide",
            "memory=8GiB,bandwidth=20GB/s,,",
        ])
        func malformedNode(spec: String) throws {
            let result = try plan(["llama-3.2-1b", "--node", spec])
            #expect(result.status == 64 && result.output.isEmpty, "\(result)")
            #expect(result.errors.split(separator: "\n").count == 1, "\(result)")
        }

        @Test func linksOfAClusterAreMeasured() throws {
            struct Links: Decodable {
                struct Stage: Decodable {
                    var linkBytesPerSecond: Int
                    var nextBytesPerSecond: Int
                }
                var stages: [Stage]
            }
            // What was found comes with heartbeats. Probes have to be answered soon: on a busy
            // machine other links are tried.
            func measured() throws -> TestCluster? {
                let cluster = try TestCluster(workerCount: 2)
                let areKnown = try Deadline.wait(.seconds(10)) {
                    let links = try cluster.http.get("/caravan/status").decoded(Links.self)
                    return links.stages.count == 2
                        && links.stages.allSatisfy { $0.linkBytesPerSecond > 0 }
                        && links.stages[0].nextBytesPerSecond > 0
                }
                return areKnown ? cluster : nil
            }
            var found: TestCluster?
            for _ in 0..<5 where found == nil { found = try measured() }
            let cluster = try #require(found)
            let result = try plan([
                TestModel.path, "--url", "http://127.0.0.1:\(cluster.http.port)",
            ])
            #expect(result.status == 0, "\(result)")
            let header = result.output.split(separator: "\n").first { $0.hasPrefix("worker") }
            #expect(header?.hasSuffix("link") == true, "\(result)")
            try cluster.stop()
        }

        @Test func aFileIsPlannedFor() throws {
            let result = try plan([
                TestModel.path, "--node", "memory=1GiB,bandwidth=20GB/s,int8=200GOP/s,name=a",
                "--node", "memory=1GiB,bandwidth=10GB/s,int8=100GOP/s,name=b", "--optimise",
                "latency", "--streams", "1",
            ])
            #expect(result.status == 0, "\(result)")
            #expect(result.output.contains("b is left out: with it a step takes"), "\(result)")
        }
    }
}
