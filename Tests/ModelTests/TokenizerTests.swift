// SPDX-License-Identifier: Apache-2.0

import Model
import Testing

/// The real model's tokenizer against llama.cpp.
struct TokenizerTests {
    private let tokenizer: Tokenizer
    private let fixture: TokenizerFixture.SmolLM2

    init() throws {
        tokenizer = try TokenizerFixture.smolLM2Tokenizer.get()
        fixture = try TokenizerFixture.load("smollm2-tokenisations")
    }

    @Test func makesTheTokensOfTheReference() {
        #expect(fixture.cases.count >= 340)
        for example in fixture.cases {
            let text = example.text
            #expect(
                tokenizer.encode(text, parseSpecial: true, addBeginning: true) == example.parsed,
                "of \(text.debugDescription), parsed")
            #expect(
                tokenizer.encode(text, parseSpecial: false, addBeginning: false) == example.plain,
                "of \(text.debugDescription), plain")
        }
    }

    /// The vocabulary has no token for these bytes; llama.cpp drops them as well.
    private let missing: Set<UInt8> = Set(
        [0x04, 0x06, 0x13, 0x14, 0x16, 0x1D, 0xC0, 0xC1, 0xF1, 0xF2] + Array(0xF5...0xFF))

    @Test func givesBackTheText() {
        for example in fixture.cases {
            let expected = example.text.utf8.filter { !missing.contains($0) }
            for ids in [example.parsed, example.plain] {
                let bytes = ids.flatMap { tokenizer.bytes(of: $0, showSpecial: true) }
                #expect(bytes == expected, "of \(example.text.debugDescription)")
            }
        }
    }

    @Test func tokensHaveTheBytesOfTheReference() {
        #expect(fixture.pieces.count > 500)
        for (id, bytes) in fixture.pieces {
            let own = tokenizer.bytes(of: UInt32(id) ?? .max, showSpecial: true)
            #expect(TokenizerFixture.hexadecimal(own) == bytes, "token \(id)")
        }
    }

    @Test func knowsTheModelsSpecialTokens() {
        #expect(tokenizer.vocabularyCount == 49152)
        #expect(tokenizer.beginning == 1)
        #expect(tokenizer.end == 2)
        #expect(!tokenizer.addsBeginning)
        #expect(tokenizer.endOfGeneration == Set(fixture.endOfGeneration))
        #expect(tokenizer.endOfGeneration.contains(2))
        #expect(!tokenizer.endOfGeneration.contains(19556))
    }

    @Test func hidesControlTokensUnlessAsked() {
        #expect(tokenizer.bytes(of: 2, showSpecial: false).isEmpty)
        #expect(tokenizer.bytes(of: 2, showSpecial: true) == [UInt8]("<|im_end|>".utf8))
    }

    @Test func anIdThatIsNoTokenHasNoText() {
        #expect(tokenizer.bytes(of: 49152, showSpecial: true).isEmpty)
        #expect(tokenizer.bytes(of: .max, showSpecial: true).isEmpty)
        #expect(!tokenizer.endOfGeneration.contains(.max))
    }

    @Test func tablesAreCompact() {
        // 369,170 bytes of token texts and 48,900 merges.
        #expect(tokenizer.tableByteCount < 3 * 369_170 + 8 * 48_900)
    }

    @Test func aLongRunIsJoinedLikeAShortOne() {
        let text = String(repeating: "abcabc", count: 20_000)
        let ids = tokenizer.encode(text, parseSpecial: false, addBeginning: false)
        let bytes = ids.flatMap { tokenizer.bytes(of: $0, showSpecial: false) }
        #expect(String(decoding: bytes, as: UTF8.self) == text)
        #expect(ids.count < 60_000)
    }
}
