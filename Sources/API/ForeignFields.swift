// SPDX-License-Identifier: Apache-2.0

/// Fields by which other servers of open models (vLLM, SGLang, llama.cpp and its relatives,
/// text-generation-webui) change an answer, and which this one does not obey.
///
/// Ignored they would give a client another answer than it asked for, without a word. Values by
/// which nothing would change are accepted: many clients send every setting they know. What only
/// matters beside one of these, such as `mirostat_tau`, is not looked at. Nor is `repeat_last_n`,
/// which many send with every request: penalties look back at all tokens here.
enum ForeignFields {
    /// `null`, `false`, 0 and what is empty change nothing.
    private static let absent = [
        // What may be said.
        "stop_token_ids", "bad_words", "allowed_token_ids", "logits_processors",
        "include_stop_str_in_output", "stop_regex", "structured_outputs", "structural_tag",
        "grammar", "json_schema", "regex", "ebnf", "guided_json", "guided_regex", "guided_choice",
        "guided_grammar", "grammar_string", "ban_eos_token", "custom_token_bans", "n_indent",
        // How a token is drawn.
        "use_beam_search", "samplers", "mirostat", "mirostat_mode", "dry_multiplier",
        "xtc_probability", "dynatemp_range", "top_a", "epsilon_cutoff", "eta_cutoff",
        "smoothing_factor", "no_repeat_ngram_size", "penalty_alpha",
        // What the model sees, and which model it is.
        "chat_template", "chat_template_kwargs", "continue_final_message", "documents",
        "truncate_prompt_tokens", "negative_prompt", "image_data", "lora", "lora_path",
    ]

    /// Numbers of which others than 0 change nothing.
    private static let numbers: [(name: String, harmless: [Double], advice: String)] = [
        ("repeat_penalty", [1], "send 'repetition_penalty'"),
        ("n_predict", [-1], "send 'max_tokens'"),
        ("t_max_predict_ms", [-1, 0], advice),
        ("typical_p", [1], advice),
        ("tfs_z", [1], advice),
        ("top_n_sigma", [-1, 0], advice),
        ("encoder_repetition_penalty", [1], advice),
        ("guidance_scale", [1], advice),
    ]

    private static let flags = [
        (name: "add_generation_prompt", harmless: true),
        (name: "skip_special_tokens", harmless: true),
        (name: "do_sample", harmless: true),
        // A number of alternatives, and 0 is one.
        (name: "prompt_logprobs", harmless: false),
    ]

    private static let advice = "this server does not know it; leave it out"

    /// `request` is what else it asks for.
    static func refuse(in fields: RequestFields, beside request: GenerationFields) throws {
        // Whoever goes on to the limit anyway has as many.
        let fewest = try? fields.integer("min_tokens", in: 0...(request.tokenCountMax ?? .max))
        if fewest == nil || !request.ignoresEnd || !request.stop.isEmpty {
            try fields.refuse(
                "min_tokens",
                "send it with 'ignore_eos': true, without 'stop' and with no fewer 'max_tokens', "
                    + "or leave it out")
        }
        for name in absent { try fields.refuse(name, advice) }
        for (name, harmless, advice) in numbers {
            try fields.refuse(name, advice, unless: harmless)
        }
        for (name, harmless) in flags { try fields.refuse(name, advice, unless: [harmless]) }
    }
}
