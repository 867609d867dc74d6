// SPDX-License-Identifier: Apache-2.0

/// How text is cut into pieces before byte pairs are merged; no token spans two pieces.
///
/// Each one is a published regular expression, applied by hand to UTF-8. Every character matches
/// something, so the pieces cover the text without gaps. Sources: the models' `tokenizer.json`.
package enum PreTokenizer: Sendable, CaseIterable {
    /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
    case gpt2
    /// Each `\p{N}` is a piece by itself; what lies between them is cut as by `gpt2`.
    case smollm
    /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|`
    /// ` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
    case llama3
    /// The same pieces, of vocabularies without llama3's other habits.
    case smaug
    /// As `llama3`, but with single numbers.
    case qwen2
    /// Mistral's: `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|`
    /// `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}|`
    /// ` ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
    case tekken

    /// What `tokenizer.ggml.pre` calls each. Models that cut alike have names of their own, which
    /// llama.cpp's `llama-vocab.cpp` takes together in the same way.
    private static let names: [(PreTokenizer, [String])] = [
        (.gpt2, ["gpt-2", "a.x-4.0", "exaone4", "gigachat", "mellum", "phi-2", "trillion"]),
        (
            .smollm,
            ["smollm", "codeshell", "command-r", "exaone", "minerva-7b", "refact", "starcoder"]
        ),
        (.llama3, ["llama-bpe", "llama3", "llama-v3", "falcon3", "midm-2.0", "pixtral"]),
        (.smaug, ["smaug-bpe", "dbrx"]),
        (.qwen2, ["qwen2", "deepseek-r1-qwen", "kormo", "megrez", "stablelm2"]),
        (.tekken, ["tekken"]),
    ]

    package static let supportedNames = names.flatMap(\.1)

    /// By the name that `tokenizer.ggml.pre` gives.
    package init(name: String) throws(TokenizerError) {
        guard let found = Self.names.first(where: { $0.1.contains(name) }) else {
            throw .unknownPreTokenizer(name)
        }
        self = found.0
    }

    /// Whether a piece that is a token as a whole is taken as such, whatever the merges say.
    var takesWholePieces: Bool { self == .llama3 || self == .tekken }

    /// Whether texts begin with the beginning token unless the model file says otherwise.
    var addsBeginning: Bool { self == .llama3 || self == .tekken }

    /// Where the piece that begins at `start` ends. The text ends at `limit`.
    package func pieceEnd(in text: [UInt8], from start: Int, limit: Int) -> Int {
        switch self {
        case .gpt2: gpt2PieceEnd(in: text, from: start, limit: limit, numbersAlone: false)
        case .smollm: gpt2PieceEnd(in: text, from: start, limit: limit, numbersAlone: true)
        case .llama3, .smaug:
            llama3PieceEnd(in: text, from: start, limit: limit, numberCountMax: 3)
        case .qwen2: llama3PieceEnd(in: text, from: start, limit: limit, numberCountMax: 1)
        case .tekken: tekkenPieceEnd(in: text, from: start, limit: limit)
        }
    }

    /// Where characters of the class `wanted` end, from `start` on.
    func runEnd(
        of wanted: UnicodeClass, in text: [UInt8], from start: Int, limit: Int,
        countMax: Int = .max
    ) -> Int {
        var end = start
        var count = 0
        while end < limit, count < countMax {
            let (found, byteCount) = UnicodeClass.at(end, in: text, limit: limit)
            guard found == wanted else { break }
            end += byteCount
            count += 1
        }
        return end
    }

    /// `\s+(?!\S)|\s+`: all white space, but the last character of several stays with the word
    /// that follows. With `numbersAlone`, a number ends the text that is looked at.
    func spaceEnd(
        in text: [UInt8], from start: Int, limit: Int, numbersAlone: Bool
    ) -> Int {
        var end = start
        var lastStart = start
        while end < limit {
            let (found, byteCount) = UnicodeClass.at(end, in: text, limit: limit)
            guard found == .space else {
                let isFree = found == .number && numbersAlone
                return isFree || lastStart == start ? end : lastStart
            }
            lastStart = end
            end += byteCount
        }
        return end
    }
}
