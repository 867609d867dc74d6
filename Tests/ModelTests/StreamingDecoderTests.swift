// SPDX-License-Identifier: Apache-2.0

import Model
import TestSupport
import Testing

struct StreamingDecoderTests {
    /// Bytes have the ids 0 to 255 here; 256 is a control token, 257 a user-defined one.
    private let tokenizer: Tokenizer

    init() throws {
        tokenizer = try Tokenizer(
            metadata: TokenizerFixture.byteLevel(extra: [("<|im_end|>", 3), ("é", 4)]))
    }

    @Test func holdsBytesUntilTheirCharacterIsWhole() {
        var decoder = StreamingDecoder(tokenizer: tokenizer)
        let texts = "aé€😀".utf8.map { decoder.append(UInt32($0)) }
        #expect(texts == ["a", "", "é", "", "", "€", "", "", "", "😀"])
        #expect(decoder.finish().isEmpty)
    }

    @Test func anUnfinishedCharacterBecomesAReplacementAtTheEnd() {
        var decoder = StreamingDecoder(tokenizer: tokenizer)
        #expect(decoder.append(0xF0).isEmpty)
        #expect(decoder.append(0x9F).isEmpty)
        #expect(decoder.finish() == "\u{FFFD}")
        #expect(decoder.finish().isEmpty)
    }

    @Test func invalidBytesDoNotHoldTextBack() {
        var decoder = StreamingDecoder(tokenizer: tokenizer)
        #expect(decoder.append(0x80) == "\u{FFFD}")
        #expect(decoder.append(0xC3).isEmpty)
        #expect(decoder.append(0x61) == "\u{FFFD}a")
    }

    @Test func controlTokensGiveTextOnlyWhenShown() {
        var hiding = StreamingDecoder(tokenizer: tokenizer)
        #expect(hiding.append(256).isEmpty)
        #expect(hiding.append(257) == "é")
        var showing = StreamingDecoder(tokenizer: tokenizer, showSpecial: true)
        #expect(showing.append(256) == "<|im_end|>")
        #expect(showing.append(100_000).isEmpty)
    }

    @Test func partsPutTogetherAreTheWholeText() {
        var random = SeededRandom(seed: 11)
        let leads: [UInt8] = [0x61, 0x80, 0xBF, 0xC2, 0xE0, 0xE2, 0xED, 0xF0, 0xF4, 0xF8, 0xFF]
        for _ in 0..<2_000 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 1...12, using: &random) {
                let any = UInt8.random(in: 0...255, using: &random)
                bytes.append(Bool.random(using: &random) ? any : leads[Int(any) % leads.count])
            }
            var decoder = StreamingDecoder(tokenizer: tokenizer)
            var text = bytes.map { decoder.append(UInt32($0)) }.joined()
            text += decoder.finish()
            #expect(text == String(decoding: bytes, as: UTF8.self))
        }
    }

    @Test func streamsWhatTheRealVocabularyEncodes() throws {
        let tokenizer = try TokenizerFixture.smolLM2Tokenizer.get()
        let text = "नमस्ते 👩‍👩‍👧 — Привет, 한국어! ½ naïve"
        var decoder = StreamingDecoder(tokenizer: tokenizer)
        var parts: [String] = []
        for id in tokenizer.encode(text, parseSpecial: false, addBeginning: false) {
            parts.append(decoder.append(id))
            #expect(!parts[parts.count - 1].unicodeScalars.contains("\u{FFFD}"))
        }
        #expect(parts.joined() + decoder.finish() == text)
    }
}
