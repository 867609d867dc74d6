// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

extension EndToEndTests {
    /// KV pages as clients and operators meet them.
    @Suite struct PagesTests {
        private static let path = "/v1/chat/completions"

        /// Nine pages of 64 tokens, each 30 layers of 48 KiB.
        private func cluster() throws -> TestCluster {
            try TestCluster(workerCount: 2, serving: ["--slots", "4", "--kv-memory", "14MiB"])
        }

        private func body(
            _ text: String, tokens: Int = 170, seed: Int, _ more: String = ""
        ) -> String {
            """
            {"max_tokens": \(tokens), "ignore_eos": true, "temperature": \(seed == 0 ? 0 : 1),
             "seed": \(seed), "messages": [{"role": "user", "content": "\(text)"}]\(more)}
            """
        }

        /// Four streams of four pages each, greedy and drawn, share nine: the youngest waits and
        /// resumes, and each gets the text it gets alone. They begin together, as all of them have
        /// waited for a worker.
        @Test func streamsThatDoNotFitTogetherAllFinish() throws {
            let cluster = try cluster()
            let begin = try cluster.status()
            #expect(begin.pageCount == 9 && begin.contextLength == 9 * begin.pageTokens)
            let stream = ", \"stream\": true"
            let bodies = [0, 1, 0, 2].enumerated().map { place, seed in
                body("Tell me story number \(place) of a caravan.", seed: seed, stream)
            }
            let alone = try bodies.map { body in
                let process = try cluster.http.stream(Self.path, body)
                #expect(try process.waitForExit() == 0)
                return try EventStream(text: process.output).content()
            }
            #expect(try cluster.status().preemptions == 0)
            try cluster.killWorkers()
            #expect(try Deadline.wait { try cluster.status().state == "degraded" })
            let together = try bodies.map { try cluster.http.stream(Self.path, $0) }
            #expect(try Deadline.wait { try cluster.status().waiting == 4 }, "\(cluster.log)")
            try cluster.startWorkerAgain()
            for (process, text) in zip(together, alone) {
                #expect(try process.waitForExit() == 0)
                let events = EventStream(text: process.output)
                #expect(events.isComplete && !events.hasError)
                #expect(try events.content() == text)
                #expect(process.output.contains("\"length\""))
            }
            let end = try cluster.status()
            #expect(end.preemptions > 0 && end.slotsInUse == 0)
            #expect(end.pagesInUse == end.pagesKept)
            let metrics = try cluster.http.get("/metrics").body
            #expect(metrics.contains("caravan_preemptions_total \(end.preemptions)\n"))
            #expect(metrics.contains("caravan_kv_pages 9\n"))
            try cluster.stop()
        }

        @Test func answersEndWithThePagesAndLongerPromptsAreRefused() throws {
            struct Reply: Decodable {
                struct Choice: Decodable { var finish_reason: String }
                struct Usage: Decodable { var total_tokens: Int }
                var choices: [Choice]
                var usage: Usage
            }
            let cluster = try cluster()
            let answer = try cluster.http.post(Self.path, body("Hello", tokens: 570, seed: 0))
            #expect(answer.status == 200, "\(answer.body)")
            let reply = try answer.decoded(Reply.self)
            #expect(reply.choices.map(\.finish_reason) == ["length"])
            #expect(reply.usage.total_tokens == 9 * 64)
            let long = String(repeating: "Hello ", count: 600)
            let refusal = try cluster.http.post(Self.path, body(long, seed: 0))
            #expect(refusal.status == 400 && refusal.body.contains("context_length_exceeded"))
            #expect(refusal.body.contains("--kv-memory"), "\(refusal.body)")
            try cluster.stop()
        }

        /// The prompt of three choices is computed once, and each choice is what a request of its
        /// own gets.
        @Test func choicesForkOnePrompt() throws {
            struct Reply: Decodable {
                struct Choice: Decodable { var message: Message }
                struct Message: Decodable { var content: String }
                struct Usage: Decodable { var prompt_tokens: Int }
                var choices: [Choice]
                var usage: Usage
            }
            let cluster = try cluster()
            let text = "Which way does a caravan go from Palmyra?"
            let three = body(text, tokens: 40, seed: 40, ", \"n\": 3")
            let answer = try cluster.http.post(Self.path, three)
            let reply = try answer.decoded(Reply.self)
            #expect(try cluster.status().promptTokens == reply.usage.prompt_tokens)
            #expect(try cluster.status().preemptions == 0)
            #expect(Set(reply.choices.map(\.message.content)).count == 3)
            for (place, choice) in reply.choices.enumerated() {
                let one = try cluster.http.post(Self.path, body(text, tokens: 40, seed: 40 + place))
                let own = try one.decoded(Reply.self).choices.map(\.message.content)
                #expect(own == [choice.message.content])
            }
            try cluster.stop()
        }

        @Test func tooLittleMemoryForTheContextIsRefused() throws {
            let result = try Caravan.run(
                ["serve", TestModel.path, "--context", "4096", "--kv-memory", "14MiB"],
                in: TemporaryDirectory())
            #expect(result.status == 1)
            #expect(result.errors.contains("holds 576 tokens"), "\(result.errors)")
        }

        @Test func contextThatTheModelDoesNotTakeIsRefused() throws {
            let result = try Caravan.run(
                ["serve", TestModel.path, "--listen", "127.0.0.1:0", "--context", "1048576"],
                in: TemporaryDirectory())
            #expect(result.status == 1)
            #expect(
                result.errors.contains("--context is 1048576 and the model takes "),
                "\(result.errors)")
        }

        @Test func planSaysWhatContextFits() throws {
            func plan(_ more: [String]) throws -> (status: Int32, output: String, errors: String) {
                try Caravan.run(
                    ["plan", "llama-3.1-8b", "--node", "memory=8GiB,bandwidth=20GB/s"] + more,
                    in: TemporaryDirectory())
            }
            let usual = try plan([])
            #expect(usual.status == 0)
            #expect(usual.output.contains("4 streams of 4096 tokens"), "\(usual)")
            #expect(usual.output.contains("one stream may have 16384"), "\(usual)")
            let huge = try plan(["--context", "131072"])
            #expect(huge.status == 1 && huge.output.contains("does not fit"), "\(huge)")
            let small = try plan(["--kv-memory", "64MiB"])
            #expect(small.status == 0 && small.output.contains("one stream may have 512"))
        }
    }
}
