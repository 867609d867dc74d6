// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
import Synchronization
import Testing

struct CompletionTests {
    @Test func wholeAnswerHasOpenAIsShape() throws {
        let fake = try ServedFake(FakeGenerator.saying("He", "llo"))
        let response = fake.complete(#"{"model":"tiny","prompt":"abc"}"#)
        #expect(response.status == 200)
        #expect(
            response.text == #"{"choices":[{"finish_reason":"stop","index":0,"logprobs":null,"#
                + #""text":"Hello"}],"created":1800000000,"id":"cmpl-000000000000002a","#
                + #""model":"tiny","object":"text_completion","usage":{"completion_tokens":2,"#
                + #""prompt_tokens":3,"total_tokens":5}}"#)
        #expect(fake.generator.requests.first?.prompt == [97, 98, 99])
        #expect(fake.generator.requests.first?.tokenCountMax == 16)
    }

    /// As other servers have it, in chats too; else a completion is short.
    @Test(arguments: ["max_tokens", "max_completion_tokens"])
    func minusOneIsAsManyAsThereIsRoomFor(name: String) throws {
        let fake = try ServedFake(FakeGenerator.saying("a"))
        #expect(fake.complete(#"{"prompt":"abc","\#(name)":-1}"#).status == 200)
        #expect(fake.chat(with: #""\#(name)":-1"#).status == 200)
        #expect(fake.generator.requests.map(\.tokenCountMax) == [nil, nil])
    }

    @Test func streamEndsWithReasonAndDone() throws {
        let fake = try ServedFake(
            FakeGenerator.saying("He", "llo", ending: .finish(.length, trailing: "")))
        let response = fake.complete(
            #"{"prompt":"abc","stream":true,"stream_options":{"include_usage":true}}"#)
        let texts = response.chunks.compactMap { value($0, "choices", 0, "text") as? String }
        #expect(texts == ["He", "llo", ""])
        let last = response.chunks.dropLast().last
        #expect(value(last, "choices", 0, "finish_reason") as? String == "length")
        #expect(value(response.chunks.last, "usage", "total_tokens") as? Int == 5)
        #expect(response.events.last == "[DONE]")
    }

    @Test(arguments: [
        #""abc""#, #"["abc"]"#, "[97,98,99]", "[[97,98,99]]",
    ])
    func promptsComeAsTextOrTokens(prompt: String) throws {
        let fake = try ServedFake(FakeGenerator.saying("a"))
        #expect(fake.complete(#"{"prompt":\#(prompt)}"#).status == 200)
        #expect(fake.generator.requests.first?.prompt == [97, 98, 99])
    }

    /// Choice 1 of the second prompt comes fourth, with the seed that it would have alone.
    @Test(arguments: [#"["abc","d"]"#, "[[97,98,99],[100]]"])
    func severalPromptsAreContinuedApart(prompts: String) throws {
        var script = FakeGenerator.saying("x")
        script.saysSeed = true
        let fake = try ServedFake(script)
        let response = fake.complete(#"{"prompt":\#(prompts),"n":2,"seed":5}"#)
        #expect(response.status == 200)
        #expect(
            fake.generator.requests.map(\.prompt) == [[97, 98, 99], [97, 98, 99], [100], [100]])
        for (index, seed) in [5, 6, 5, 6].enumerated() {
            #expect(value(response.json, "choices", index, "index") as? Int == index)
            #expect(value(response.json, "choices", index, "text") as? String == "\(seed):x")
        }
        #expect(value(response.json, "usage", "prompt_tokens") as? Int == 3 + 1)
        #expect(value(response.json, "usage", "completion_tokens") as? Int == 4)
    }

    /// Else equal prompts would have equal answers.
    @Test func promptsWithoutASeedAreDrawnForIndependently() throws {
        let words = Mutex<UInt64>(100)
        let fake = try ServedFake(FakeGenerator.saying("x")) {
            words.withLock { word in
                word += 10
                return word
            }
        }
        #expect(fake.complete(#"{"prompt":["a","a"],"n":2}"#).status == 200)
        let seeds = fake.generator.requests.map(\.sampling.seed)
        #expect(Set(seeds).count == 4)
        #expect(seeds[1] == seeds[0] + 1 && seeds[3] == seeds[2] + 1)
    }

    @Test(arguments: [(64, 2, 200), (65, 2, 400), (128, 1, 200), (129, 1, 400), (2, 128, 400)])
    func requestsHaveABoundedNumberOfAnswers(prompts: Int, each: Int, status: Int) throws {
        let fake = try ServedFake(FakeGenerator.saying("x"))
        let list = [String](repeating: #""a""#, count: prompts).joined(separator: ",")
        let response = fake.complete(#"{"prompt":[\#(list)],"n":\#(each)}"#)
        #expect(response.status == status)
        #expect(fake.generator.requests.count == (status == 200 ? prompts * each : 0))
    }

    @Test func logProbabilitiesAreLists() throws {
        let tokens = ["ab", "c"].enumerated().map { index, text in
            GeneratedToken(
                id: UInt32(97 + index), text: text, logProbability: -3,
                alternatives: [
                    TokenAlternative(id: 300, bytes: [97], logProbability: -0.5),
                    TokenAlternative(id: 301, bytes: [97], logProbability: -2),
                ])
        }
        let fake = try ServedFake(FakeGenerator.Script(tokens: tokens))
        let response = fake.complete(#"{"prompt":"abc","logprobs":2}"#)
        let lists = value(response.json, "choices", 0, "logprobs")
        #expect(value(lists, "tokens") as? [String] == ["a", "b"])
        #expect(value(lists, "text_offset") as? [Int] == [0, 2])
        #expect(value(lists, "token_logprobs") as? [Double] == [-3, -3])
        // The token itself is among them, and wins over others with its text.
        #expect(value(lists, "top_logprobs", 0) as? [String: Double] == ["a": -3])
        #expect(value(lists, "top_logprobs", 1) as? [String: Double] == ["a": -0.5, "b": -3])
    }

    /// Where a stop text may have begun, a token's text is shown after the next one's begins.
    @Test func offsetsAreThoseOfTheTokensWhateverIsShownYet() throws {
        let tokens = [
            GeneratedToken(id: 97, text: "", scalarCount: 2, logProbability: -0.5),
            GeneratedToken(id: 98, text: "abc", scalarCount: 1, logProbability: -0.5),
            GeneratedToken(id: 99, text: "d", logProbability: -0.5),
        ]
        let fake = try ServedFake(FakeGenerator.Script(tokens: tokens))
        let response = fake.complete(#"{"prompt":"abc","logprobs":1}"#)
        let lists = value(response.json, "choices", 0, "logprobs")
        #expect(value(lists, "text_offset") as? [Int] == [0, 2, 3])
    }
}
