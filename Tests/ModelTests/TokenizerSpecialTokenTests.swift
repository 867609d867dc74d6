// SPDX-License-Identifier: Apache-2.0

import Model
import TestSupport
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

    /// The rule itself, one token after another over what is left of the text.
    private func placed(_ special: [(text: [UInt8], id: UInt32)], in text: [UInt8]) -> [UInt32] {
        guard let (token, id) = special.first else { return text.map(UInt32.init) }
        let rest = Array(special.dropFirst())
        var ids: [UInt32] = []
        var (start, index) = (0, 0)
        while index < text.count {
            guard text[index...].starts(with: token) else {
                index += 1
                continue
            }
            ids += placed(rest, in: Array(text[start..<index])) + [id]
            index += token.count
            start = index
        }
        return ids + placed(rest, in: Array(text[start...]))
    }

    @Test func tokensTakeTheirPlacesInTurn() throws {
        var random = SeededRandom(seed: 11)
        func word(_ countMax: Int) -> String {
            let letters = ["a", "b", "<", "｜"]
            return (0..<Int.random(in: 2...countMax, using: &random))
                .map { _ in letters.randomElement(using: &random) ?? "" }.joined()
        }
        for round in 0..<400 {
            var extra: [(String, Int64)] = []
            for _ in 0..<Int.random(in: 1...12, using: &random) {
                let text = word(2 + round % 6)
                // Only texts that are no text of the alphabet may be there twice.
                guard text.contains("｜") || !extra.contains(where: { $0.0 == text }) else {
                    continue
                }
                extra.append((text, Int64.random(in: 2...4, using: &random)))
            }
            let tokenizer = try tokenizer(extra)
            for isParsed in [true, false] {
                let special = extra.enumerated().filter { isParsed || $1.1 == 4 }
                    .map { (text: Array($1.0.utf8), id: UInt32(256 + $0)) }
                    .sorted { ($1.text.count, $0.id) < ($0.text.count, $1.id) }
                let text = word(60)
                #expect(
                    encode(tokenizer, text, parse: isParsed)
                        == placed(special, in: Array(text.utf8)),
                    "\(extra) in \(text)")
            }
        }
    }

    /// Each byte may begin any of a thousand tokens and of dozens inside one another. Looking for
    /// each of them at each byte, or for each of them in the whole text, would take minutes.
    @Test func manyTokensThatBeginAlikeAreLookedForAtOnce() throws {
        let nested = (2...64).map { (String(repeating: "<", count: $0), Int64(3)) }
        let alike = (0..<1_000).map { ("<SPECIAL_\($0)>", Int64(3)) }
        let tokenizer = try tokenizer(nested + alike)
        let count = 1 << 20
        let ids = encode(tokenizer, String(repeating: "<", count: count), parse: true)
        #expect(ids == [UInt32](repeating: 256 + 62, count: count / 64))
        let starts = String(repeating: "<SPECIAL_<SPECIAL_7>", count: count / 20)
        #expect(
            encode(tokenizer, starts, parse: true).filter { $0 == 256 + 63 + 7 }.count == count / 20
        )
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
