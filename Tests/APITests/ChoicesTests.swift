// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
import Testing

/// `n > 1`: several answers to one prompt.
struct ChoicesTests {
    private func saying(_ texts: String...) -> FakeGenerator.Script {
        let tokens = texts.enumerated().map {
            GeneratedToken(id: UInt32(97 + $0.offset), text: $0.element, logProbability: -0.5)
        }
        return FakeGenerator.Script(
            tokens: tokens, ending: .finish(.length, trailing: "!"), saysSeed: true)
    }

    private func texts(_ response: TestResponse, _ path: Any...) -> [Int: String] {
        (response.json["choices"] as? [[String: Any]] ?? []).reduce(into: [:]) { texts, choice in
            let text = path.reduce(choice as Any?) { value($0, $1) } as? String
            texts[choice["index"] as? Int ?? -1] = text
        }
    }

    @Test func wholeChatHasEveryChoiceAndOnePrompt() throws {
        let fake = try ServedFake(saying("a", "b"))
        let response = fake.chat(with: #""n":3,"seed":18446744073709551615"#)
        #expect(response.status == 200)
        #expect(
            texts(response, "message", "content")
                == [0: "18446744073709551615:ab!", 1: "0:ab!", 2: "1:ab!"])
        let prompt = try #require(fake.generator.requests.first?.prompt)
        #expect(fake.generator.requests.allSatisfy { $0.prompt == prompt })
        #expect(value(response.json, "usage", "prompt_tokens") as? Int == prompt.count)
        #expect(value(response.json, "usage", "completion_tokens") as? Int == 6)
        #expect(value(response.json, "choices", 2, "finish_reason") as? String == "length")
    }

    @Test func wholeCompletionKeepsSettingsAndLogProbabilitiesApart() throws {
        let fake = try ServedFake(saying("a", "b"))
        let response = fake.complete(
            #"{"prompt":"abc","n":2,"best_of":2,"seed":5,"stop":["z"],"logprobs":0}"#)
        #expect(texts(response, "text") == [0: "5:ab!", 1: "6:ab!"])
        for index in 0..<2 {
            let lists = value(response.json, "choices", index, "logprobs")
            #expect(value(lists, "text_offset") as? [Int] == [0, 2, 3])
        }
        #expect(fake.generator.requests.map(\.stop) == [["z"], ["z"]])
        #expect(fake.generator.requests.map(\.tokenCountMax) == [16, 16])
    }

    @Test func streamNamesTheChoiceInEachEvent() throws {
        let fake = try ServedFake(saying("a", "b"))
        let response = fake.chat(
            with: #""n":2,"seed":7,"stream":true,"stream_options":{"include_usage":true}"#)
        var texts: [Int: String] = [:]
        var reasons: [Int: [String]] = [:]
        var roles: [Int] = []
        for chunk in response.chunks.dropLast() {
            let choice = value(chunk, "choices", 0)
            let index = try #require(value(choice, "index") as? Int)
            texts[index, default: ""] += value(choice, "delta", "content") as? String ?? ""
            if value(choice, "delta", "role") != nil { roles.append(index) }
            if let reason = value(choice, "finish_reason") as? String {
                reasons[index, default: []].append(reason)
            }
        }
        #expect(texts == [0: "7:ab!", 1: "8:ab!"])
        #expect(reasons == [0: ["length"], 1: ["length"]])
        #expect(roles == [0, 1])
        #expect(value(response.chunks.last, "usage", "completion_tokens") as? Int == 4)
        #expect(response.events.filter { $0 == "[DONE]" }.count == 1)
        #expect(response.events.last == "[DONE]")
    }

    @Test(arguments: [false, true]) func allChoicesAreTakenOrNone(stream: Bool) throws {
        var script = FakeGenerator.saying("a", ending: .hold)
        script.takenMax = 2
        let fake = try ServedFake(script)
        let response = fake.complete(#"{"prompt":"abc","n":3,"stream":\#(stream)}"#)
        #expect(response.status == 429)
        #expect(response.headers["retry-after"] == "17")
        #expect(response.error["code"] as? String == "queue_full")
        #expect(fake.generator.startedCount == 0)
    }

    @Test func choiceThatFailsEndsTheOthers() throws {
        var script = FakeGenerator.saying("a")
        script.failingSeed = 11
        let fake = try ServedFake(script)
        let whole = fake.complete(#"{"prompt":"abc","n":3,"seed":10}"#)
        #expect(whole.status == 503)
        #expect(whole.error["code"] as? String == "worker_lost")
        for _ in 0..<3 { fake.generator.awaitCancellation() }
        let stream = fake.complete(#"{"prompt":"abc","n":3,"seed":10,"stream":true}"#)
        #expect(value(stream.chunks.last, "error", "code") as? String == "worker_lost")
        for _ in 0..<3 { fake.generator.awaitCancellation() }
    }

    @Test func clientThatLeavesFreesEveryChoice() throws {
        let fake = try ServedFake(FakeGenerator.saying("a", ending: .hold))
        let client = fake.connect()
        client.send(
            "POST", "/v1/completions", body: Array(#"{"prompt":"a","stream":true,"n":3}"#.utf8))
        #expect(client.receive(until: #""index":2"#))
        client.close()
        for _ in 0..<3 { fake.generator.awaitCancellation() }
    }
}
