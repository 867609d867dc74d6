// SPDX-License-Identifier: Apache-2.0

/// A small byte-level vocabulary filled up to a real one's size, so that a model without training
/// tokenises, and its tables and its output layer weigh what a real model's do.
struct SyntheticVocabulary {
    static let chatTemplate = """
        {{ bos_token }}{% for message in messages %}\
        {{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' \
        + message['content'] + '<|eot_id|>' }}{% endfor %}{% if add_generation_prompt %}\
        {{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}
        """
    /// As many as Llama 3 has, at the end like there.
    static let controlCount = 256
    private static let words = ["the", "in", "on", "er", "and", "of", "to", "re", "at", "is"]
    private static let controls = [
        "<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>", "<|start_header_id|>",
        "<|end_header_id|>",
    ]

    let tokens: [String]
    /// 1 for a normal token, 3 for a control token.
    let kinds: [Int32]
    let merges: [String]
    let beginning: Int
    let endOfTurn: Int

    /// `count` must leave room for the bytes, the merges and the control tokens.
    init(count: Int) {
        let pairs = Self.mergePairs()
        merges = pairs.map { "\($0.0) \($0.1)" }
        let alphabet = BytePairAlphabet()
        var normal = (0...255).map { alphabet.character(of: UInt8($0)) }
        normal += pairs.map { $0.0 + $0.1 }
        let normalCount = count - Self.controlCount
        precondition(normalCount >= normal.count, "a vocabulary of \(count) tokens is too small")
        let space = alphabet.character(of: 0x20)
        normal += (normal.count..<normalCount).map { "\(space)token\($0)" }
        let reserved = (Self.controls.count..<Self.controlCount).map {
            "<|reserved_special_token_\($0)|>"
        }
        tokens = normal + Self.controls + reserved
        kinds =
            [Int32](repeating: 1, count: normalCount)
            + [Int32](repeating: 3, count: Self.controlCount)
        beginning = normalCount
        endOfTurn = normalCount + 2
    }

    /// Letter by letter, so that every token on the way is there once.
    private static func mergePairs() -> [(String, String)] {
        let space = BytePairAlphabet().character(of: 0x20)
        var pairs: [(String, String)] = []
        var seen: Set<String> = []
        for word in words.flatMap({ [$0, space + $0] }) {
            var joined = ""
            for letter in word.map(String.init) {
                if !joined.isEmpty, seen.insert(joined + letter).inserted {
                    pairs.append((joined, letter))
                }
                joined += letter
            }
        }
        return pairs
    }

    var metadata: [(String, GGUFValue)] {
        [
            (TokenizerKeys.model, .string("gpt2")),
            (TokenizerKeys.preTokenizer, .string("llama-bpe")),
            (TokenizerKeys.tokens, .strings(tokens)),
            (TokenizerKeys.kinds, .int32s(kinds)),
            (TokenizerKeys.merges, .strings(merges)),
            (TokenizerKeys.beginning, .uint32(UInt32(beginning))),
            (TokenizerKeys.end, .uint32(UInt32(endOfTurn))),
            (TokenizerKeys.addsBeginning, .bool(true)),
            ("tokenizer.chat_template", .string(Self.chatTemplate)),
        ]
    }
}
