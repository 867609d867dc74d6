// SPDX-License-Identifier: Apache-2.0

import Model
import Testing

/// A small Llama-2-like vocabulary against llama.cpp.
struct TokenizerSentencePieceTests {
    private let fixture: TokenizerFixture.SentencePiece

    init() throws {
        fixture = try TokenizerFixture.load("sentence-piece")
    }

    @Test func makesTheTokensOfTheReference() throws {
        let tokenizer = try Tokenizer(metadata: fixture.metadata())
        let unprefixed = try Tokenizer(
            metadata: fixture.metadata(["add_space_prefix": .bool(false)]))
        #expect(fixture.cases.count >= 150)
        for example in fixture.cases {
            let text = example.text
            #expect(
                tokenizer.encode(text, parseSpecial: true, addBeginning: true) == example.parsed,
                "of \(text.debugDescription), parsed")
            #expect(
                tokenizer.encode(text, parseSpecial: false, addBeginning: false) == example.plain,
                "of \(text.debugDescription), plain")
            #expect(
                unprefixed.encode(text, parseSpecial: false, addBeginning: false)
                    == example.unprefixed, "of \(text.debugDescription), unprefixed")
        }
    }

    /// A token with a space inside forbids taking words one by one; the result stays the same
    /// where that token does not occur.
    @Test func wordsAndWholeTextsGiveTheSameTokens() throws {
        let kinds = fixture.kinds + [1]
        let spanning = try Tokenizer(
            metadata: fixture.metadata([
                "tokens": .strings(fixture.tokens + ["zq▁zq"]), "token_type": .integers(kinds),
                "scores": .floats(fixture.scores + [0]),
            ]))
        for example in fixture.cases {
            #expect(
                spanning.encode(example.text, parseSpecial: false, addBeginning: false)
                    == example.plain, "of \(example.text.debugDescription)")
        }
    }

    @Test func tokensHaveTheBytesOfTheReference() throws {
        let tokenizer = try Tokenizer(metadata: fixture.metadata())
        #expect(fixture.shown.count == tokenizer.vocabularyCount)
        for id in 0..<UInt32(tokenizer.vocabularyCount) {
            let shown = tokenizer.bytes(of: id, showSpecial: true)
            let hidden = tokenizer.bytes(of: id, showSpecial: false)
            #expect(TokenizerFixture.hexadecimal(shown) == fixture.shown[Int(id)], "token \(id)")
            #expect(TokenizerFixture.hexadecimal(hidden) == fixture.hidden[Int(id)], "token \(id)")
        }
    }

    @Test func knowsTheVocabularysSpecialTokens() throws {
        let tokenizer = try Tokenizer(metadata: fixture.metadata())
        #expect(tokenizer.endOfGeneration == Set(fixture.endOfGeneration))
        #expect(tokenizer.addsBeginning)
        let quiet = try Tokenizer(metadata: fixture.metadata(["add_bos_token": .bool(false)]))
        #expect(!quiet.addsBeginning)
        #expect(quiet.encode("", parseSpecial: true, addBeginning: true).isEmpty)
        let closing = try Tokenizer(metadata: fixture.metadata(["add_eos_token": .bool(true)]))
        #expect(closing.encode("", parseSpecial: true, addBeginning: true) == [1, 2])
    }

    @Test func refusesScoresThatAreNotNumbers() {
        var scores = fixture.scores
        scores[300] = .nan
        #expect(throws: TokenizerError.scoreNotANumber(id: 300)) {
            try Tokenizer(metadata: fixture.metadata(["scores": .floats(scores)]))
        }
    }

    /// As some converters write them where all are whole.
    @Test func scoresMayBeIntegers() throws {
        let scores = fixture.tokens.indices.map { -Int64($0) }
        let whole = try Tokenizer(metadata: fixture.metadata(["scores": .integers(scores)]))
        let same = try Tokenizer(
            metadata: fixture.metadata(["scores": .floats(scores.map { Float($0) })]))
        let unscored = try Tokenizer(
            metadata: TokenizerFixture.metadata([
                "model": .string("llama"), "tokens": .strings(fixture.tokens),
                "token_type": .integers(fixture.kinds),
            ]))
        var differences = 0
        for example in fixture.cases {
            func ids(_ tokenizer: Tokenizer) -> [UInt32] {
                tokenizer.encode(example.text, parseSpecial: false, addBeginning: false)
            }
            #expect(ids(whole) == ids(same), "of \(example.text.debugDescription)")
            if ids(whole) != ids(unscored) { differences += 1 }
        }
        #expect(differences > 0)
    }

    @Test func refusesKeysOfAnotherType() {
        for key in ["scores", "add_space_prefix"] {
            #expect(throws: TokenizerError.missingKey("tokenizer.ggml.\(key)")) {
                try Tokenizer(metadata: fixture.metadata([key: .string("1")]))
            }
        }
    }

    @Test func refusesTooFewScores() {
        let count = fixture.tokens.count
        let wrong = TokenizerError.wrongCount(
            key: "tokenizer.ggml.scores", count: 7, tokenCount: count)
        #expect(throws: wrong) {
            try Tokenizer(
                metadata: fixture.metadata(["scores": .floats(Array(fixture.scores.prefix(7)))]))
        }
    }

    @Test func refusesAByteTokenThatNamesNoByte() {
        var tokens = fixture.tokens
        tokens[5] = "<0xZZ>"
        #expect(throws: TokenizerError.malformedByteToken(id: 5)) {
            try Tokenizer(metadata: fixture.metadata(["tokens": .strings(tokens)]))
        }
    }
}
