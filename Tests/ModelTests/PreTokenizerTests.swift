// SPDX-License-Identifier: Apache-2.0

import Model
import Testing

struct PreTokenizerTests {
    @Test(arguments: ["gpt-2", "smollm", "llama-bpe", "qwen2", "tekken"])
    func cutsAsThePublishedPattern(_ name: String) throws {
        let fixture: TokenizerFixture.PreTokenizerPieces = try TokenizerFixture.load(
            "pre-tokenizer-pieces")
        let preTokenizer = try PreTokenizer(name: name)
        var count = 0
        for example in fixture.cases {
            guard let expected = example.pieces[name] else { continue }
            count += 1
            #expect(
                pieces(of: example.text, preTokenizer) == expected,
                "of \(example.text.debugDescription)")
        }
        #expect(count >= 300)
    }

    /// As in llama.cpp's `llama-vocab.cpp`; `.smaug` is there for all that cut as Llama 3 does and
    /// do no more.
    @Test(arguments: [
        (PreTokenizer.gpt2, ["phi-2", "gigachat", "a.x-4.0", "mellum", "exaone4", "trillion"]),
        (.smollm, ["starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"]),
        (.llama3, ["llama3", "llama-v3", "falcon3", "pixtral", "midm-2.0"]),
        (.smaug, ["smaug-bpe", "dbrx"]),
        (.qwen2, ["deepseek-r1-qwen", "kormo", "megrez", "stablelm2"]),
    ])
    func knowsTheNamesOfOtherModels(_ kind: PreTokenizer, _ names: [String]) throws {
        for name in names {
            #expect(try PreTokenizer(name: name) == kind)
            #expect(PreTokenizer.supportedNames.contains(name))
        }
    }

    @Test func smaugCutsAsLlama3() throws {
        let text = "It's 12345 o'clock\n\n  DON'T"
        #expect(pieces(of: text, .smaug) == pieces(of: text, .llama3))
    }

    @Test func refusesAnUnknownNameAndSaysWhatIsSupported() {
        let error = #expect(throws: TokenizerError.unknownPreTokenizer("viking")) {
            try PreTokenizer(name: "viking")
        }
        let text = error?.description ?? ""
        #expect(text.contains("'viking'") && text.contains("smollm"))
    }

    @Test func bytesThatAreNoTextStillMakePieces() throws {
        let bytes: [UInt8] = [0xE2, 0x96, 0x20, 0xFF, 0x80, 0x41, 0xF0, 0x9F, 0xC3]
        for preTokenizer in PreTokenizer.allCases {
            var start = 0
            while start < bytes.count {
                let end = preTokenizer.pieceEnd(in: bytes, from: start, limit: bytes.count)
                #expect(end > start && end <= bytes.count)
                start = max(end, start + 1)
            }
        }
    }

    private func pieces(of text: String, _ preTokenizer: PreTokenizer) -> [String] {
        let bytes = [UInt8](text.utf8)
        var pieces: [String] = []
        var start = 0
        while start < bytes.count {
            let end = preTokenizer.pieceEnd(in: bytes, from: start, limit: bytes.count)
            pieces.append(String(decoding: bytes[start..<end], as: UTF8.self))
            start = end
        }
        return pieces
    }
}
