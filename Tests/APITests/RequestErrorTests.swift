// SPDX-License-Identifier: Apache-2.0

import Cluster
import Testing

/// Requests that are wrong get OpenAI's error object, the right status and the field's name.
struct RequestErrorTests {
    /// For requests that never reach the generator.
    private static let shared = Result { try ServedFake() }

    /// For prompts that the generator refuses.
    private static let refusing = Result { try ServedFake() }

    struct Case: CustomTestStringConvertible {
        var fields: String
        var parameter: String
        var code: String

        init(_ fields: String, _ parameter: String, _ code: String) {
            self.fields = fields
            self.parameter = parameter
            self.code = code
        }

        var testDescription: String { fields }
    }

    private static let wrongTypes = [
        Case(#""temperature":"hot""#, "temperature", "invalid_type"),
        Case(#""top_k":[1]"#, "top_k", "invalid_type"),
        Case(#""max_tokens":true"#, "max_tokens", "invalid_type"),
        Case(#""stream":1"#, "stream", "invalid_type"),
        Case(
            #""stream":true,"stream_options":{"include_usage":"x"}"#,
            "stream_options.include_usage", "invalid_type"),
        Case(#""stop":5"#, "stop", "invalid_type"),
        Case(#""stop":["a",5]"#, "stop", "invalid_type"),
        Case(#""seed":"x""#, "seed", "invalid_type"),
        Case(#""model":5"#, "model", "invalid_type"),
        Case(#""logprobs":1"#, "logprobs", "invalid_type"),
        Case(#""response_format":"json""#, "response_format", "invalid_type"),
    ]

    private static let wrongValues = [
        Case(#""temperature":2.1"#, "temperature", "invalid_value"),
        Case(#""temperature":-0.1"#, "temperature", "invalid_value"),
        Case(#""temperature":1e400"#, "temperature", "invalid_value"),
        Case(#""top_p":-0.1"#, "top_p", "invalid_value"),
        Case(#""top_p":1.1"#, "top_p", "invalid_value"),
        Case(#""top_k":-2"#, "top_k", "invalid_value"),
        Case(#""top_k":1.5"#, "top_k", "invalid_value"),
        Case(#""min_p":1.5"#, "min_p", "invalid_value"),
        Case(#""presence_penalty":3"#, "presence_penalty", "invalid_value"),
        Case(#""frequency_penalty":-3"#, "frequency_penalty", "invalid_value"),
        Case(#""repetition_penalty":0"#, "repetition_penalty", "invalid_value"),
        Case(#""max_tokens":0"#, "max_tokens", "invalid_value"),
        Case(#""max_tokens":99999999999999999999"#, "max_tokens", "invalid_value"),
        Case(#""max_completion_tokens":-2"#, "max_completion_tokens", "invalid_value"),
        Case(#""seed":99999999999999999999"#, "seed", "invalid_value"),
        Case(#""stop":"\ud800""#, "stop", "invalid_value"),
        Case(
            #""stop":["1","2","3","4","5","6","7","8","9","0","a","b","c","d","e","f","g"]"#,
            "stop", "invalid_value"),
        Case(#""logprobs":true,"top_logprobs":21"#, "top_logprobs", "invalid_value"),
        Case(#""top_logprobs":2"#, "top_logprobs", "invalid_value"),
        Case(#""stream_options":{}"#, "stream_options", "invalid_value"),
        Case(#""n":0"#, "n", "invalid_value"),
        Case(#""n":129"#, "n", "invalid_value"),
        Case(#""tools":[{"type":"function"}]"#, "tools", "unsupported_parameter"),
        Case(#""logit_bias":{"5":1}"#, "logit_bias", "unsupported_parameter"),
        Case(#""min_tokens":5"#, "min_tokens", "unsupported_parameter"),
        Case(#""guided_json":{"type":"object"}"#, "guided_json", "unsupported_parameter"),
        Case(#""tool_choice":"required""#, "tool_choice", "unsupported_parameter"),
        Case(
            #""tool_choice":{"type":"function"}"#, "tool_choice", "unsupported_parameter"),
        Case(#""modalities":["audio"]"#, "modalities", "unsupported_parameter"),
        Case(
            #""response_format":{"type":"json_object"}"#, "response_format",
            "unsupported_parameter"),
    ]

    private static let wrongMessages = [
        Case("null", "messages", "missing_required_parameter"),
        Case("[]", "messages", "invalid_value"),
        Case(#""hi""#, "messages", "invalid_type"),
        Case("[5]", "messages[0]", "invalid_type"),
        Case(#"[{"content":"a"}]"#, "messages[0].role", "missing_required_parameter"),
        Case(#"[{"role":"user"}]"#, "messages[0].content", "missing_required_parameter"),
        Case(#"[{"role":"user","content":5}]"#, "messages[0].content", "invalid_type"),
        Case(#"[{"role":"user","content":"\ud800"}]"#, "messages[0].content", "invalid_value"),
        Case(#"[{"role":"\ud800","content":"a"}]"#, "messages[0].role", "invalid_value"),
        Case(
            #"[{"role":"user","content":[{"type":"text","text":"\udc00"}]}]"#,
            "messages[0].content[0].text", "invalid_value"),
        Case(#"[{"role":"king","content":"a"}]"#, "messages[0].role", "invalid_value"),
        Case(
            #"[{"role":"user","content":"a"},{"role":"user","content":[{"type":"image_url"}]}]"#,
            "messages[1].content[0].type", "unsupported_parameter"),
        Case(
            #"[{"role":"user","content":[{"type":"text"}]}]"#, "messages[0].content[0].text",
            "missing_required_parameter"),
        Case(
            #"[{"role":"assistant","tool_calls":[{}]}]"#, "messages[0].tool_calls",
            "unsupported_parameter"),
        Case(
            #"[{"role":"assistant","content":null,"function_call":{"name":"f"}}]"#,
            "messages[0].function_call", "unsupported_parameter"),
    ]

    private static let wrongPrompts = [
        Case(#""model":"tiny""#, "prompt", "missing_required_parameter"),
        Case(#""prompt":["a",5]"#, "prompt", "invalid_type"),
        Case(#""prompt":[[1],[]]"#, "prompt", "invalid_value"),
        Case(#""prompt":["a",""]"#, "prompt", "invalid_value"),
        Case(#""prompt":{}"#, "prompt", "invalid_type"),
        Case(#""prompt":[-1]"#, "prompt", "invalid_value"),
        Case(#""prompt":[999999]"#, "prompt", "invalid_value"),
        Case(#""prompt":[]"#, "prompt", "invalid_value"),
        Case(#""prompt":"""#, "prompt", "invalid_value"),
        Case(#""prompt":"a","echo":true"#, "echo", "unsupported_parameter"),
        Case(#""prompt":"a","best_of":2"#, "best_of", "unsupported_parameter"),
        Case(#""prompt":"a","suffix":"z""#, "suffix", "unsupported_parameter"),
        Case(#""prompt":"a","logprobs":21"#, "logprobs", "invalid_value"),
    ]

    private func expect(_ response: TestResponse, _ wrong: Case, status: Int = 400) {
        #expect(response.status == status)
        #expect(response.error["param"] as? String == wrong.parameter)
        #expect(response.error["code"] as? String == wrong.code)
        #expect(response.error["type"] as? String == "invalid_request_error")
        #expect((response.error["message"] as? String)?.isEmpty == false)
    }

    @Test(arguments: wrongTypes + wrongValues)
    func fields(wrong: Case) throws {
        let fake = try Self.shared.get()
        expect(fake.chat(with: wrong.fields), wrong)
        #expect(fake.generator.requests.isEmpty)
    }

    @Test(arguments: wrongMessages)
    func messages(wrong: Case) throws {
        let fake = try Self.shared.get()
        expect(fake.chat(#"{"messages":\#(wrong.fields)}"#), wrong)
    }

    @Test(arguments: wrongPrompts)
    func prompts(wrong: Case) throws {
        let fake = try Self.refusing.get()
        expect(fake.complete("{\(wrong.fields)}"), wrong)
    }

    @Test func unknownModelIsNotFound() throws {
        let fake = try Self.shared.get()
        expect(
            fake.chat(with: #""model":"gpt-9""#), Case("", "model", "model_not_found"),
            status: 404)
    }

    @Test func promptLongerThanTheContext() throws {
        let fake = try ServedFake()
        let ids = [String](repeating: "97", count: 4097).joined(separator: ",")
        let response = fake.complete(#"{"prompt":[\#(ids)]}"#)
        expect(response, Case("", "prompt", "context_length_exceeded"))
        let message = response.error["message"] as? String ?? ""
        #expect(
            message.hasPrefix(
                "this model's maximum context length is 4096 tokens, and the prompt has 4097"),
            "\(message)")
    }

    struct Body: CustomTestStringConvertible {
        var testDescription: String
        var bytes: [UInt8]

        init(_ name: String, _ bytes: [UInt8]) {
            testDescription = name
            self.bytes = bytes
        }

        init(_ text: String) { self.init(text, Array(text.utf8)) }
    }

    private static func prompt(holding bytes: [UInt8]) -> [UInt8] {
        Array(#"{"prompt":""#.utf8) + bytes + Array(#""}"#.utf8)
    }

    private static func repeated(_ text: String) -> [UInt8] {
        Array(String(repeating: text, count: 100_000).utf8)
    }

    private static let brokenBodies = [
        Body(""), Body("{"), Body("[]"), Body("5"), Body(#""x""#), Body(#"{"prompt":"a"}x"#),
        Body(#"{"prompt":NaN}"#), Body(#"{"prompt":"a","temperature":NaN}"#),
        Body("lone surrogate", prompt(holding: Array(#"\ud800"#.utf8))),
        Body("invalid UTF-8", prompt(holding: [0xFF])),
        Body("zero byte", prompt(holding: [0])),
        Body("UTF-16", [0xFF, 0xFE] + "{}".utf8.flatMap { [$0, 0] }),
        Body("deep, open", repeated("[")),
        Body("deep, closed", Array(#"{"z":"#.utf8) + repeated("[") + repeated("]") + [125]),
        Body("deep objects", repeated(#"{"a":"#)),
    ]

    @Test(arguments: brokenBodies)
    func bodiesThatAreNotJSON(body: Body) throws {
        let fake = try Self.shared.get()
        let response = fake.post("/v1/completions", body.bytes)
        #expect(response.status == 400)
        #expect((response.error["message"] as? String)?.isEmpty == false)
        #expect(fake.generator.requests.isEmpty)
        #expect(fake.get("/health").status == 200)
    }

    @Test func halvesOfSurrogatePairsAreCalledSo() throws {
        let fake = try Self.shared.get()
        for text in [#""\ud83d""#, #""a\ud83d b""#, #""\ude00\ud83d""#] {
            for content in [text, #"[{"type":"text","text":\#(text)}]"#] {
                let response = fake.chat(#"{"messages":[{"role":"user","content":\#(content)}]}"#)
                #expect(response.status == 400)
                let message = response.error["message"] as? String ?? ""
                #expect(message.contains("surrogate"), "\(message)")
            }
            let message = fake.complete(#"{"prompt":\#(text)}"#).error["message"] as? String
            #expect(message?.contains("surrogate") == true)
        }
    }

    @Test func duplicateKeysAndForeignContentTypesAreTolerated() throws {
        let fake = try ServedFake(FakeGenerator.saying("a"))
        let response = fake.post(
            "/v1/completions", Array(#"{"prompt":"a","prompt":"a"}"#.utf8),
            headers: ["Content-Type: text/plain"])
        #expect(response.status == 200)
    }

    @Test func refusalsOfTheGeneratorHaveTheirStatus() throws {
        let cases: [(GenerationError, Int, String, String?)] = [
            (.queueFull(waiting: 9, retryAfterSeconds: 7), 429, "queue_full", "7"),
            (.notReady("no worker"), 503, "not_ready", "5"),
            (.shuttingDown, 503, "shutting_down", "5"),
        ]
        for (error, status, code, retryAfter) in cases {
            let fake = try ServedFake(FakeGenerator.Script(refusal: error))
            for isStream in [false, true] {
                let response = fake.chat(with: #""stream":\#(isStream)"#)
                #expect(response.status == status)
                #expect(response.error["code"] as? String == code)
                #expect(response.headers["retry-after"] == retryAfter)
            }
        }
    }

    @Test(arguments: [
        (GenerationError.workerLost("w2"), 503, "worker_lost"), (.notANumber, 500, "not_a_number"),
    ])
    func whatFailsMidwayEndsTheAnswerWithAnError(
        error: GenerationError, status: Int, code: String
    ) throws {
        let fake = try ServedFake(FakeGenerator.saying("a", ending: .fail(error)))
        let whole = fake.chat(with: #""stream":false"#)
        #expect(whole.status == status)
        #expect(whole.error["code"] as? String == code)
        let stream = fake.chat(with: #""stream":true"#)
        #expect(stream.status == 200)
        #expect(value(stream.chunks.last, "error", "code") as? String == code)
        #expect(!stream.events.contains("[DONE]"))
    }
}
