// SPDX-License-Identifier: Apache-2.0

/// Texts by which a token's purpose is known, for files that do not state it.
///
/// GGUF names one end-of-sequence token and perhaps one end-of-turn token, but models end their
/// answers with others too. The lists are those that llama.cpp goes by.
enum SpecialTokenTexts {
    /// Generation ends with any of these.
    static let endOfGeneration: Set<String> = [
        "<|eot_id|>", "<|eom_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>",
        "<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "[EOS]", "<EOT>", "_<EOT>", "[EOT]",
        "<end_of_turn>", "<end_of_utterance>", "<｜end▁of▁sentence｜>",
        // Fill-in-the-middle: padding, the next repository, the next file.
        "<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]",
        "<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>",
        "<|file_sep|>",
    ]

    /// These are control tokens whatever kind the file gives them.
    static let control: Set<String> = endOfGeneration.union([
        "<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>", "<｜fim▁begin｜>", "<PRE>", "▁<PRE>",
        "<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>", "<｜fim▁hole｜>", "<SUF>", "▁<SUF>",
        "<|fim_middle|>", "<fim-middle>", "<fim_middle>", "<｜fim▁end｜>", "<MID>", "▁<MID>",
    ])
}
