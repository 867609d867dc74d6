// SPDX-License-Identifier: Apache-2.0

import Model
import TestSupport
import Testing

/// Vocabularies that no converter writes: each is refused, with the fault named.
struct TokenizerErrorTests {
    private func expect(
        _ error: TokenizerError, _ changes: [String: MetadataValue], merges: [String] = ["a b"],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(throws: error, sourceLocation: sourceLocation) {
            try Tokenizer(metadata: TokenizerFixture.byteLevel(merges: merges, changes))
        }
        #expect(!error.description.isEmpty)
    }

    @Test func refusesAnUnknownModel() {
        expect(.unknownModel("bert"), ["model": .string("bert")])
        expect(.missingKey("tokenizer.ggml.model"), ["model": .unsigned(1)])
    }

    @Test func refusesAMissingPreTokenizer() {
        let bare = TokenizerFixture.metadata([
            "model": .string("gpt2"), "tokens": .strings(["a"]), "merges": .strings([]),
        ])
        #expect(throws: TokenizerError.missingKey("tokenizer.ggml.pre")) {
            try Tokenizer(metadata: bare)
        }
        expect(.unknownPreTokenizer("default"), ["pre": .string("default")])
    }

    @Test func refusesMissingTables() {
        expect(.missingKey("tokenizer.ggml.tokens"), ["tokens": .strings([])])
        expect(.missingKey("tokenizer.ggml.tokens"), ["tokens": .integers([1, 2])])
        expect(.missingKey("tokenizer.ggml.merges"), ["merges": .unsigned(3)])
    }

    /// Without them a text would become other tokens, and nobody would know.
    @Test func refusesKeysOfAnotherType() {
        let changes: [(String, MetadataValue)] = [
            ("pre", .bool(true)), ("token_type", .floats([1])), ("token_type", .array([])),
            ("add_bos_token", .unsigned(1)), ("add_eos_token", .string("true")),
        ]
        for (key, value) in changes { expect(.missingKey("tokenizer.ggml.\(key)"), [key: value]) }
    }

    @Test func refusesTooFewKinds() {
        expect(
            .wrongCount(key: "tokenizer.ggml.token_type", count: 2, tokenCount: 257),
            ["token_type": .integers([1, 1])])
    }

    @Test func refusesIdsOutsideTheVocabulary() {
        for key in ["bos_token_id", "eos_token_id"] {
            let name = "tokenizer.ggml.\(key)"
            expect(.idOutOfRange(key: name, id: 257, tokenCount: 257), [key: .unsigned(257)])
            expect(.idOutOfRange(key: name, id: -1, tokenCount: 257), [key: .signed(-1)])
        }
        for name in ["bos", "eos", "eot", "eom", "unknown"] {
            let key = "\(name)_token_id"
            expect(.missingKey("tokenizer.ggml.\(key)"), [key: .unsigned(.max)])
            expect(.missingKey("tokenizer.ggml.\(key)"), [key: .string("1")])
        }
    }

    /// As files have them whose vocabulary was cut down.
    @Test func idsThatAModelCanDoWithoutAreLeftOut() throws {
        let tokenizer = try Tokenizer(
            metadata: TokenizerFixture.byteLevel([
                "eos_token_id": .unsigned(65), "eot_token_id": .unsigned(256),
                "eom_token_id": .unsigned(1 << 32), "unknown_token_id": .signed(-1),
            ]))
        #expect(tokenizer.endOfGeneration == [65])
    }

    @Test func refusesABeginningThatIsWantedButMissing() {
        expect(
            .missingSpecialToken(
                flag: "tokenizer.ggml.add_bos_token", key: "tokenizer.ggml.bos_token_id"),
            ["add_bos_token": .bool(true)])
    }

    @Test func refusesMergesThatAreNone() {
        for line in ["", "ab", " ", " ab"] {
            expect(.malformedMerge(index: 0), ["merges": .strings([line])])
        }
    }

    @Test func refusesMergesOfUnknownTokens() {
        for line in ["a zz", "zz a", "a c", "a ", "a b c", "日 a"] {
            expect(.mergeOfUnknownToken(index: 1), ["merges": .strings(["a b", line])])
        }
    }

    @Test func refusesTheSameTokenTwice() {
        #expect(throws: TokenizerError.duplicateToken(first: 97, second: 256)) {
            try Tokenizer(metadata: TokenizerFixture.byteLevel(extra: [("a", 1)]))
        }
    }

    @Test func refusesMoreTokensThanTheTablesHold() {
        let tokens = [String](repeating: "", count: 1 << 20 + 1)
        expect(
            .tooManyTokens(count: tokens.count, limit: 1 << 20), ["tokens": .strings(tokens)])
    }

    /// FNV-1a, begun as published, puts all of these into one sixty-fourth of its table; reading
    /// such a file took time with the square of their number.
    @Test func tokensMadeToShareTheirSlotsAreReadLikeOthers() throws {
        var texts: [String] = []
        var number = 676
        while texts.count < 16_000 {
            number += 1
            var text: [UInt8] = []
            var rest = number
            while rest > 0 {
                text.append(UInt8(97 + rest % 26))
                rest /= 26
            }
            var hash: UInt64 = 0xCBF2_9CE4_8422_2325
            for byte in text { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
            hash = (hash ^ hash >> 32) &* 0x9E37_79B9_7F4A_7C15
            if hash >> 58 == 0 { texts.append(String(decoding: text, as: UTF8.self)) }
        }
        let tokenizer = try Tokenizer(
            metadata: TokenizerFixture.byteLevel(pre: "llama-bpe", extra: texts.map { ($0, 1) }))
        for (index, text) in texts.enumerated() {
            let ids = tokenizer.encode(text, parseSpecial: false, addBeginning: false)
            #expect(ids == [UInt32(256 + index)])
        }
    }

    @Test func anUnknownKindIsATokenWithoutText() throws {
        let tokenizer = try Tokenizer(
            metadata: TokenizerFixture.byteLevel(extra: [("xyz", 99), ("uvw", -1), ("", 1)]))
        for id in UInt32(256)...258 {
            #expect(tokenizer.bytes(of: id, showSpecial: true).isEmpty)
        }
    }

    @Test func randomVocabulariesAreRefusedOrUsable() throws {
        var random = SeededRandom(seed: 5)
        let parts = ["a", "b", "ab", "Ġ", " ", "", "é", "▁", "▁a", "<0x41>", "<s>", "日", "bb"]
        var usableCount = 0
        for _ in 0..<3_000 {
            func some(_ countMax: Int) -> [String] {
                (0..<Int.random(in: 0...countMax, using: &random)).map { _ in
                    (0..<Int.random(in: 1...2, using: &random))
                        .map { _ in parts.randomElement(using: &random) ?? "" }.joined()
                }
            }
            let tokens = some(7)
            let metadata = TokenizerFixture.metadata([
                "model": .string(Bool.random(using: &random) ? "gpt2" : "llama"),
                "pre": .string(PreTokenizer.supportedNames.randomElement(using: &random) ?? ""),
                "tokens": .strings(tokens), "merges": .strings(some(1)),
                "token_type": .integers(
                    tokens.map { _ in Int64.random(in: -1...7, using: &random) }),
                "scores": .floats(
                    tokens.map { _ in Float(Int.random(in: -2...2, using: &random)) }),
                "eos_token_id": .unsigned(UInt64.random(in: 0...8, using: &random)),
            ])
            guard let tokenizer = try? Tokenizer(metadata: metadata) else { continue }
            usableCount += 1
            for text in ["", " a bb<s>ab▁ab 日é\u{301}", String(repeating: "ab ", count: 20)] {
                for id in tokenizer.encode(text, parseSpecial: true, addBeginning: true) {
                    #expect(id < tokenizer.vocabularyCount)
                }
            }
        }
        #expect(usableCount > 100)
    }
}
