// SPDX-License-Identifier: Apache-2.0

import Model
import Testing

struct TokenizerSpecialTokenTests {
    private func tokenizer(
        _ extra: [(String, Int64)], pre: String = "gpt-2", merges: [String] = [],
        _ changes: [String: MetadataValue] = [:]
    ) throws -> Tokenizer {
        try Tokenizer(
            metadata: TokenizerFixture.byteLevel(pre: pre, merges: merges, extra: extra, changes))
    }

    private func encode(_ tokenizer: Tokenizer, _ text: String, parse: Bool) -> [UInt32] {
        tokenizer.encode(text, parseSpecial: parse, addBeginning: false)
    }

    /// Bytes have the ids 0 to 255 here.
    private func bytes(_ text: String) -> [UInt32] { text.utf8.map(UInt32.init) }

    @Test func longerTokensTakeTheirPlacesFirst() throws {
        let tokenizer = try tokenizer([("ab", 3), ("bcd", 3), ("abcde", 3)])
        #expect(encode(tokenizer, "abcd", parse: true) == bytes("a") + [257])
        #expect(encode(tokenizer, "abxabcdeab", parse: true) == [256] + bytes("x") + [258, 256])
        #expect(encode(tokenizer, "abcd", parse: false) == bytes("abcd"))
    }

    @Test func userDefinedTokensAreAlwaysFound() throws {
        let tokenizer = try tokenizer([("    ", 4), ("  ", 4), ("<tool>", 4), ("<x>", 3)])
        let expected = bytes("a") + [256, 257] + bytes(" b") + [258] + bytes("<x>")
        #expect(encode(tokenizer, "a       b<tool><x>", parse: false) == expected)
        #expect(tokenizer.bytes(of: 258, showSpecial: false) == [UInt8]("<tool>".utf8))
    }

    @Test func theUnknownTokenIsFoundLikeAControlToken() throws {
        let tokenizer = try tokenizer([("<unk>", 2)])
        #expect(encode(tokenizer, "<unk>", parse: true) == [256])
        #expect(encode(tokenizer, "<unk>", parse: false) == bytes("<unk>"))
    }

    @Test func textNextToASpecialTokenIsCutByItself() throws {
        // "a " and "b": the space has no word after it once the token is taken out.
        let tokenizer = try tokenizer([("<s>", 3)], merges: ["Ġ b", "Ġ Ġ"])
        #expect(encode(tokenizer, "  <s> b", parse: true) == [257, 258, 256])
        #expect(encode(tokenizer, "   b", parse: true) == [257, 256])
    }

    @Test func wellKnownTextsEndGenerationWhateverTheirKind() throws {
        let tokenizer = try tokenizer(
            [("<|eot_id|>", 1), ("<|end|>", 3), ("</s>", 4), ("<other>", 3), ("<turn>", 3)],
            ["eos_token_id": .unsigned(259), "eot_token_id": .unsigned(260)])
        #expect(tokenizer.endOfGeneration == [256, 257, 258, 259, 260])
        #expect(encode(tokenizer, "<|eot_id|></s>", parse: true) == [256, 258])
        #expect(encode(tokenizer, "</s>", parse: false) == bytes("</s>"))
        #expect(tokenizer.bytes(of: 256, showSpecial: false).isEmpty)
    }

    @Test func llama3AddsItsBeginningAndTakesWholePieces() throws {
        let tokenizer = try tokenizer(
            [("<s>", 3), ("abc", 1)], pre: "llama-bpe", merges: ["b c"],
            ["bos_token_id": .unsigned(257)])
        #expect(tokenizer.addsBeginning)
        #expect(tokenizer.encode("abc", parseSpecial: false, addBeginning: true) == [257, 258])
        #expect(encode(tokenizer, "abcd", parse: false) == bytes("a") + [256] + bytes("d"))
    }

    @Test func withoutABeginningTokenNoneIsAdded() throws {
        let tokenizer = try tokenizer([], pre: "llama3")
        #expect(!tokenizer.addsBeginning)
        #expect(tokenizer.encode("a", parseSpecial: true, addBeginning: true) == bytes("a"))
    }

    @Test func lowerRanksAreJoinedFirstAndEqualOnesFromTheLeft() throws {
        let tokenizer = try tokenizer([], merges: ["b c", "a b", "a a", "bc d"])
        #expect(encode(tokenizer, "abcd", parse: false) == bytes("a") + [259])
        #expect(encode(tokenizer, "aaaaa", parse: false) == [258, 258] + bytes("a"))
        #expect(encode(tokenizer, "aab", parse: false) == bytes("a") + [257])
    }
}
