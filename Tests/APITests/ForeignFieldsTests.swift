// SPDX-License-Identifier: Apache-2.0

import Testing

/// What other servers obey is refused unless it changes nothing.
struct ForeignFieldsTests {
    /// For requests that never reach the generator.
    private static let shared = Result { try ServedFake() }

    private func expectRefusal(_ response: TestResponse, _ name: String) {
        #expect(response.status == 400)
        #expect(response.error["param"] as? String == name)
        #expect(response.error["code"] as? String == "unsupported_parameter")
    }

    @Test(arguments: [
        ("repeat_penalty", "1.1"), ("repeat_penalty", "0"), ("repeat_penalty", #""x""#),
        ("n_predict", "64"), ("typical_p", "0.9"), ("typical_p", "0"), ("tfs_z", "0.5"),
        ("top_n_sigma", "1.5"), ("mirostat", "2"), ("dry_multiplier", "0.8"),
        ("xtc_probability", "0.5"), ("dynatemp_range", "0.5"), ("top_a", "0.2"),
        ("no_repeat_ngram_size", "3"), ("guidance_scale", "1.5"), ("samplers", #"["top_k"]"#),
        ("use_beam_search", "true"), ("bad_words", #"["a"]"#), ("allowed_token_ids", "[1]"),
        ("include_stop_str_in_output", "true"), ("regex", #""a+""#), ("chat_template", #""x""#),
        ("chat_template_kwargs", #"{"a":1}"#), ("continue_final_message", "true"),
        ("documents", #"[{"text":"a"}]"#), ("truncate_prompt_tokens", "5"),
        ("add_generation_prompt", "false"), ("skip_special_tokens", "false"),
        ("prompt_logprobs", "0"), ("prompt_logprobs", "1"), ("echo", "true"),
        ("stop_token_ids", "[2]"), ("guided_choice", #"["a"]"#), ("mirostat_mode", "2"),
        ("grammar_string", #""root ::= [0-9]""#), ("ban_eos_token", "true"),
        ("custom_token_bans", #""5,7""#), ("do_sample", "false"), ("lora_path", #""a""#),
        ("n_indent", "4"), ("t_max_predict_ms", "500"),
    ])
    func fieldsThatChangeAChat(name: String, content: String) throws {
        let fake = try Self.shared.get()
        expectRefusal(fake.chat(with: #""\#(name)":\#(content)"#), name)
        #expect(fake.generator.requests.isEmpty)
    }

    @Test(arguments: [
        ("repeat_penalty", "1.1"), ("min_tokens", "5"), ("add_special_tokens", "false"),
    ])
    func fieldsThatChangeACompletion(name: String, content: String) throws {
        let fake = try Self.shared.get()
        expectRefusal(fake.complete(#"{"prompt":"a","\#(name)":\#(content)}"#), name)
    }

    @Test(arguments: [
        (#""min_tokens":5,"max_tokens":5,"ignore_eos":true,"stop":[]"#, 200),
        (#""min_tokens":5,"ignore_eos":true"#, 200),
        (#""min_tokens":6,"max_tokens":5,"ignore_eos":true"#, 400),
        (#""min_tokens":5,"max_tokens":5,"ignore_eos":true,"stop":"x""#, 400),
        (#""min_tokens":5,"max_tokens":5"#, 400),
        (#""min_tokens":-1,"ignore_eos":true"#, 400),
        (#""min_tokens":"5","ignore_eos":true"#, 400),
    ])
    func fewestTokensWhereNothingEndsAnAnswerBefore(fields: String, status: Int) throws {
        let fake = try ServedFake(FakeGenerator.saying("a"))
        let response = fake.chat(with: fields)
        #expect(response.status == status)
        if status == 400 { expectRefusal(response, "min_tokens") }
    }

    /// Without `max_tokens` there are 16.
    @Test func fewestTokensOfACompletion() throws {
        let fake = try ServedFake(FakeGenerator.saying("a"))
        let fields = #""prompt":"a","ignore_eos":true,"min_tokens""#
        #expect(fake.complete("{\(fields):16}").status == 200)
        expectRefusal(fake.complete("{\(fields):17}"), "min_tokens")
    }

    @Test func valuesThatChangeNothingAreAccepted() throws {
        let fake = try ServedFake(FakeGenerator.saying("a"))
        let response = fake.chat(
            with: #""repeat_penalty":1.0,"n_predict":-1,"typical_p":1,"tfs_z":1.0,"#
                + #""top_n_sigma":-1.0,"mirostat":0,"mirostat_tau":5.0,"dry_multiplier":0.0,"#
                + #""dry_base":1.75,"xtc_probability":0,"xtc_threshold":0.1,"dynatemp_range":0,"#
                + #""samplers":[],"use_beam_search":false,"bad_words":[],"chat_template":null,"#
                + #""chat_template_kwargs":{},"continue_final_message":false,"documents":null,"#
                + #""add_generation_prompt":true,"skip_special_tokens":true,"#
                + #""prompt_logprobs":null,"echo":false,"guided_json":null,"grammar":"","#
                + #""mirostat_mode":0,"grammar_string":"","ban_eos_token":false,"#
                + #""custom_token_bans":"","do_sample":true,"lora_path":null,"n_indent":0,"#
                + #""t_max_predict_ms":-1,"repeat_last_n":64"#)
        #expect(response.status == 200)
        #expect(response.error.isEmpty)
        let body = #"{"prompt":"a","add_special_tokens":true,"repeat_penalty":null}"#
        #expect(fake.complete(body).status == 200)
    }
}
