// SPDX-License-Identifier: Apache-2.0

import API
import Cluster
import Control
import Testing

/// Answers, sent as a whole, that take long to write.
struct LongAnswersTests {
    private static let tokenCount = 500

    /// Each token with 20 alternatives: about a megabyte of JSON.
    private static let script: FakeGenerator.Script = {
        let alternatives = (0..<20).map {
            TokenAlternative(id: 97, bytes: [97], logProbability: -Float($0))
        }
        let token = GeneratedToken(
            id: 97, text: "a", logProbability: -0.5, alternatives: alternatives)
        return FakeGenerator.Script(
            tokens: [GeneratedToken](repeating: token, count: Self.tokenCount),
            ending: .finish(.length, trailing: "!"))
    }()

    private static let body = Array(#"{"prompt":"a","logprobs":20,"max_tokens":500}"#.utf8)

    @Test func chatsComeWhole() throws {
        let fake = try ServedFake(Self.script)
        let response = fake.chat(with: #""logprobs":true,"top_logprobs":20,"n":2"#)
        #expect(response.status == 200)
        for index in 0..<2 {
            let choice = value(response.json, "choices", index)
            let text = value(choice, "message", "content") as? String
            #expect(text == String(repeating: "a", count: Self.tokenCount) + "!")
            let entries = value(choice, "logprobs", "content") as? [[String: Any]]
            #expect(entries?.count == Self.tokenCount)
            #expect((entries?.last?["top_logprobs"] as? [Any])?.count == 20)
            #expect(value(choice, "finish_reason") as? String == "length")
        }
        #expect(value(response.json, "usage", "completion_tokens") as? Int == 2 * Self.tokenCount)
    }

    @Test func textsComeWhole() throws {
        let text = String(repeating: "x", count: 100_000)
        let fake = try ServedFake(FakeGenerator.saying(text, "y"))
        let response = fake.complete(#"{"prompt":"a","n":2}"#)
        #expect(value(response.json, "choices", 1, "text") as? String == text + "y")
    }

    @Test func manyAtOnceComeWhole() throws {
        let fake = try ServedFake(Self.script)
        let clients = (0..<8).map { _ in fake.connect() }
        for client in clients { client.send("POST", "/v1/completions", body: Self.body) }
        for client in clients {
            let response = TestResponse(client.receiveAll())
            #expect(response.status == 200)
            let lists = value(response.json, "choices", 0, "logprobs")
            #expect((value(lists, "tokens") as? [Any])?.count == Self.tokenCount)
        }
    }

    @Test func clientsThatLeaveKeepNobodyWaiting() throws {
        let fake = try ServedFake(Self.script)
        for _ in 0..<8 {
            let client = fake.connect()
            client.send("POST", "/v1/completions", body: Self.body)
            fake.generator.awaitSubmission()
            client.close()
        }
        #expect(fake.post("/v1/completions", Self.body).status == 200)
    }

    /// No connection may be left waiting: libmicrohttpd would end the process.
    @Test func serverStopsWhileAnswersAreWritten() throws {
        for _ in 0..<4 {
            let fake = try ServedFake(Self.script)
            let clients = (0..<8).map { _ in fake.connect() }
            for client in clients { client.send("POST", "/v1/completions", body: Self.body) }
            for _ in clients { fake.generator.awaitSubmission() }
            fake.server.stop()
            for client in clients {
                // Nothing where the stop came in the midst of it.
                #expect([0, 200, 503].contains(TestResponse(client.receiveAll()).status))
            }
        }
    }

    @Test(arguments: [
        (#""n":128,"logprobs":true,"top_logprobs":20"#, 400),
        (#""n":128,"logprobs":true,"top_logprobs":20,"max_tokens":9000000000000000000"#, 400),
        (#""n":16,"logprobs":true,"top_logprobs":16"#, 400),
        (#""n":16,"logprobs":true,"top_logprobs":15"#, 200),
        (#""n":128,"logprobs":true,"top_logprobs":20,"max_tokens":300"#, 200),
        (#""n":128,"logprobs":true,"top_logprobs":20,"stream":true"#, 200),
        (#""n":128,"max_tokens":9000000000000000000"#, 200),
        (#""logprobs":true,"top_logprobs":20,"max_tokens":9000000000000000000"#, 200),
    ])
    func logProbabilitiesOfAWholeAnswerAreBounded(fields: String, status: Int) throws {
        let fake = try ServedFake(FakeGenerator.saying("a"))
        let response = fake.chat(with: fields)
        #expect(response.status == status)
        guard status == 400 else { return }
        #expect(response.error["param"] as? String == "max_tokens")
        #expect(fake.generator.requests.isEmpty)
    }

    /// Also where a later plan has more pages: hence no more is asked for.
    @Test func chatsAreBoundedByWhatThePagesHold() throws {
        let fake = try ServedFake(FakeGenerator.saying("a"))
        fake.generator.setStatus(ClusterStatus(model: "tiny", contextLength: 2048, layerCount: 3))
        let fields = #""n":16,"logprobs":true,"top_logprobs":16"#
        #expect(fake.chat(with: fields).status == 200)
        let requests = fake.generator.requests
        #expect(requests.count == 16)
        #expect(requests.allSatisfy { $0.tokenCountMax == 2048 - $0.prompt.count })
        #expect(fake.chat(with: #"\#(fields),"stream":true"#).status == 200)
        #expect(fake.generator.requests.last?.tokenCountMax == nil)
    }

    @Test func boundHoldsForCompletionsToo() throws {
        let fake = try ServedFake(FakeGenerator.saying("a"))
        let fields = #""prompt":"a","n":128,"logprobs":20"#
        #expect(fake.complete("{\(fields),\"max_tokens\":4096}").status == 400)
        #expect(fake.complete("{\(fields)}").status == 200)
        #expect(fake.complete("{\(fields),\"max_tokens\":-1}").status == 400)
        // Pages for the prompt of one token and 300 more.
        fake.generator.setStatus(ClusterStatus(model: "tiny", contextLength: 301, layerCount: 3))
        #expect(fake.complete("{\(fields),\"max_tokens\":-1}").status == 200)
        #expect(fake.generator.requests.last?.tokenCountMax == 300)
    }
}
