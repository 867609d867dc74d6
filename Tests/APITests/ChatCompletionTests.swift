// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
import Foundation
import Model
import Testing

struct ChatCompletionTests {
    private static let body =
        #"{"model":"tiny","messages":[{"role":"user","content":"abc"}]}"#

    @Test func wholeAnswerHasOpenAIsShape() throws {
        let fake = try ServedFake(
            FakeGenerator.saying("He", "llo", ending: .finish(.stop, trailing: "!")))
        let response = fake.chat(Self.body)
        #expect(response.status == 200)
        #expect(response.headers["content-type"] == "application/json")
        let count = try #require(fake.generator.requests.first?.prompt.count)
        #expect(
            response.text == #"{"choices":[{"finish_reason":"stop","index":0,"logprobs":null,"#
                + #""message":{"content":"Hello!","refusal":null,"role":"assistant"}}],"#
                + #""created":1800000000,"id":"chatcmpl-000000000000002a","model":"tiny","#
                + #""object":"chat.completion","usage":{"completion_tokens":2,"#
                + #""prompt_tokens":\#(count),"total_tokens":\#(count + 2)}}"#)
    }

    @Test func streamCarriesRoleTextReasonAndEnd() throws {
        let fake = try ServedFake(
            FakeGenerator.saying("He", "", "llo", ending: .finish(.length, trailing: "!")))
        let response = fake.chat(with: #""stream":true"#)
        #expect(response.status == 200)
        #expect(response.headers["content-type"] == "text/event-stream; charset=utf-8")
        let chunks = response.chunks
        #expect(response.events.last == "[DONE]")
        let texts = chunks.compactMap { value($0, "choices", 0, "delta", "content") as? String }
        #expect(texts == ["", "He", "llo", "!"])
        #expect(value(chunks.first, "choices", 0, "delta", "role") as? String == "assistant")
        #expect(value(chunks.last, "choices", 0, "finish_reason") as? String == "length")
        #expect(chunks.allSatisfy { $0["object"] as? String == "chat.completion.chunk" })
        #expect(chunks.allSatisfy { $0["usage"] == nil })
    }

    /// A comment, which clients skip; an answer as a whole has no room for one.
    @Test func streamSaysThatItWaits() throws {
        var script = FakeGenerator.saying("a")
        script.waits = 2
        let fake = try ServedFake(script)
        let stream = fake.chat(with: #""stream":true"#)
        #expect(stream.text.components(separatedBy: ": waiting\n\n").count == 3)
        #expect(stream.text.hasSuffix("data: [DONE]\n\n"))
        let texts = stream.chunks.compactMap {
            value($0, "choices", 0, "delta", "content") as? String
        }
        #expect(texts == ["", "a"])
        let whole = fake.chat(Self.body)
        #expect(!whole.text.contains("waiting"))
        #expect(value(whole.json, "choices", 0, "message", "content") as? String == "a")
    }

    @Test func streamReportsUsageWhenAsked() throws {
        let fake = try ServedFake(FakeGenerator.saying("a", "b"))
        let response = fake.chat(
            with: #""stream":true,"stream_options":{"include_usage":true}"#)
        let last = try #require(response.chunks.last)
        #expect((last["choices"] as? [Any])?.isEmpty == true)
        #expect(value(last, "usage", "completion_tokens") as? Int == 2)
        #expect(response.text.contains(#""usage":null"#))
    }

    @Test func everySettingReachesTheGenerator() throws {
        let fake = try ServedFake(FakeGenerator.saying("a"))
        let response = fake.chat(
            with: #""temperature":0.5,"top_p":0.9,"top_k":40,"min_p":0.05,"seed":-2,"#
                + #""stop":["x","y"],"presence_penalty":-1,"frequency_penalty":1.5,"#
                + #""repetition_penalty":1.1,"max_tokens":7,"max_completion_tokens":9,"#
                + #""logprobs":true,"top_logprobs":3,"ignore_eos":true,"n":1,"user":"u","#
                + #""tools":[],"tool_choice":"none","modalities":["text"],"min_tokens":0,"#
                + #""response_format":{"type":"text"},"unheard_of":{"a":[1]}"#)
        #expect(response.status == 200)
        let request = try #require(fake.generator.requests.first)
        var expected = SamplingSettings()
        expected.temperature = 0.5
        expected.topP = 0.9
        expected.topK = 40
        expected.minP = 0.05
        expected.seed = .max - 1
        expected.presencePenalty = -1
        expected.frequencyPenalty = 1.5
        expected.repetitionPenalty = 1.1
        #expect(request.sampling == expected)
        #expect(request.stop == ["x", "y"])
        #expect(request.tokenCountMax == 9)
        #expect(request.topLogProbabilities == 3)
        #expect(request.ignoresEnd)
    }

    /// As other servers have it, -1 is no seed; and OpenAI's lowest top_p is 0.
    @Test func minusOneIsNoSeedAndTopPMayBeZero() throws {
        let fake = try ServedFake(FakeGenerator.saying("a"))
        #expect(fake.chat(with: #""seed":-1,"top_p":0"#).status == 200)
        let request = try #require(fake.generator.requests.first)
        var expected = SamplingSettings()
        expected.seed = 42
        expected.topP = 0
        #expect(request.sampling == expected)
    }

    @Test func absentFieldsAreOpenAIsDefaultsAndNullIsAbsent() throws {
        let fake = try ServedFake(FakeGenerator.saying("a"))
        let response = fake.chat(
            with: #""temperature":null,"max_tokens":null,"stop":null,"stream":null,"tools":null"#)
        #expect(response.status == 200)
        let request = try #require(fake.generator.requests.first)
        var expected = SamplingSettings()
        expected.seed = 42
        #expect(request.sampling == expected)
        #expect(request.stop.isEmpty)
        #expect(request.tokenCountMax == nil)
        #expect(request.topLogProbabilities == nil)
    }

    @Test func serversDefaultsAreForRequestsThatDoNotSay() throws {
        var standard = SamplingSettings()
        standard.temperature = 0.3
        standard.topK = 20
        standard.topP = 0.9
        standard.minP = 0.05
        let fake = try ServedFake(FakeGenerator.saying("a"), sampling: standard)
        standard.seed = 42
        #expect(fake.chat(with: #""temperature":null"#).status == 200)
        #expect(fake.complete(#"{"prompt":"a"}"#).status == 200)
        #expect(fake.generator.requests.map(\.sampling) == [standard, standard])
        let all = #""temperature":1,"top_k":-1,"top_p":1,"min_p":0,"seed":42"#
        #expect(fake.chat(with: all).status == 200)
        var said = SamplingSettings()
        said.seed = 42
        #expect(fake.generator.requests.last?.sampling == said)
    }

    @Test(arguments: ["\"\"", "[]", #"[""]"#]) func valuesThatStandForNone(stop: String) throws {
        let fake = try ServedFake(FakeGenerator.saying("a"))
        let response = fake.chat(
            with: #""top_k":-1,"stop":\#(stop),"tool_choice":"none","function_call":"none","#
                + #""tools":[{"type":"function","function":{"name":"f"}}],"#
                + #""functions":[{"name":"f"}]"#)
        #expect(response.status == 200)
        let request = try #require(fake.generator.requests.first)
        #expect(request.sampling.topK == 0)
        #expect(request.stop.isEmpty)
    }

    @Test(arguments: [#""logprobs":false,"#, ""]) func noAlternativesMayBeAskedFor(
        beside fields: String
    ) throws {
        let fake = try ServedFake(FakeGenerator.saying("a"))
        #expect(fake.chat(with: #"\#(fields)"top_logprobs":0"#).status == 200)
        let request = try #require(fake.generator.requests.first)
        #expect(request.topLogProbabilities == nil)
    }

    @Test func emptyStopTextsAreLeftOut() throws {
        let fake = try ServedFake(FakeGenerator.saying("a"))
        #expect(fake.chat(with: #""stop":["","x",""]"#).status == 200)
        #expect(fake.generator.requests.first?.stop == ["x"])
    }

    @Test func templateSeesRolesAndJoinedParts() throws {
        let fake = try ServedFake(FakeGenerator.saying("a"))
        let response = fake.chat(
            #"{"messages":[{"role":"developer","content":"s"},{"role":"user","content":"#
                + #"[{"type":"text","text":"a"},{"type":"text","text":"b"}]},"#
                + #"{"role":"assistant","content":null},{"role":"tool","content":"t"}]}"#)
        #expect(response.status == 200)
        let prompt = try #require(fake.generator.requests.first?.prompt)
        let tokenizer = fake.generator.model.tokenizer
        let text = String(
            decoding: prompt.flatMap { tokenizer.bytes(of: $0, showSpecial: true) }, as: UTF8.self)
        #expect(
            text == "<|im_start|>system\ns<|im_end|>\n<|im_start|>user\na\nb<|im_end|>\n"
                + "<|im_start|>assistant\n<|im_end|>\n<|im_start|>tool\nt<|im_end|>\n"
                + "<|im_start|>assistant\n")
    }

    @Test func logProbabilitiesHaveBytesAndAlternatives() throws {
        let token = GeneratedToken(
            id: 0xC3, text: "", logProbability: -0.25,
            alternatives: [
                TokenAlternative(id: 0xC3, bytes: [0xC3], logProbability: -0.25),
                TokenAlternative(id: 98, bytes: [98], logProbability: -.infinity),
            ])
        let script = FakeGenerator.Script(
            tokens: [token], ending: .finish(.stop, trailing: ""))
        let fake = try ServedFake(script)
        for isStream in [false, true] {
            let response = fake.chat(
                with: #""logprobs":true,"top_logprobs":2,"stream":\#(isStream)"#)
            let root = isStream ? response.chunks.dropFirst().first : response.json
            let entry = value(root, "choices", 0, "logprobs", "content", 0)
            #expect(value(entry, "token") as? String == "\u{FFFD}")
            #expect(value(entry, "bytes") as? [Int] == [0xC3])
            #expect(value(entry, "logprob") as? Double == -0.25)
            #expect(value(entry, "top_logprobs", 1, "token") as? String == "b")
            #expect(value(entry, "top_logprobs", 1, "logprob") as? Double == -9999)
        }
    }

    @Test func modelWithoutTemplateRefusesChats() throws {
        let fake = try ServedFake(FakeGenerator.saying("a"), hasTemplate: false)
        let response = fake.chat(Self.body)
        #expect(response.status == 400)
        #expect((response.error["message"] as? String)?.contains("/v1/completions") == true)
    }
}
