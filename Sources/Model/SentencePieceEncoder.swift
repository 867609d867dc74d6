// SPDX-License-Identifier: Apache-2.0

/// SentencePiece-style encoding (Llama 2): neighbouring characters are joined into the token with
/// the highest score until none is left; what is no token then becomes byte tokens.
///
/// The vocabulary writes a space as ▁ (U+2581); here both are a space, in the tables and in the
/// text. Source: Kudo and Richardson, "SentencePiece" (2018), its BPE model.
struct SentencePieceEncoder: Sendable {
    private let vocabulary: TokenizerVocabulary
    /// One per token: the higher its score, the smaller. Same order as the scores.
    private let priorities: [UInt32]
    /// The tokens `<0x00>` to `<0xFF>`; `TokenizerVocabulary.none` where there is none.
    private let byteIDs: [UInt32]
    private let unknown: UInt32?
    private let addsSpacePrefix: Bool
    /// No token has a space behind another character, so no join crosses such a place and words
    /// can be taken one by one. True of vocabularies trained with `split_by_whitespace`.
    private let joinsStayInWords: Bool

    /// ▁, which stands for a space in vocabularies.
    static let spaceMark: [UInt8] = [0xE2, 0x96, 0x81]

    init(
        _ vocabulary: TokenizerVocabulary, scores: [Float]?, byteIDs: [UInt32], unknown: UInt32?,
        addsSpacePrefix: Bool
    ) throws(TokenizerError) {
        var priorities = [UInt32](repeating: Self.priority(0), count: vocabulary.count)
        for (id, score) in (scores ?? []).prefix(vocabulary.count).enumerated() {
            guard !score.isNaN else { throw .scoreNotANumber(id: UInt32(id)) }
            priorities[id] = Self.priority(score)
        }
        self.vocabulary = vocabulary
        self.priorities = priorities
        self.byteIDs = byteIDs
        self.unknown = unknown
        self.addsSpacePrefix = addsSpacePrefix
        joinsStayInWords = !(0..<UInt32(vocabulary.count)).contains { id in
            let bytes = vocabulary.bytes(of: id)
            let hasInnerSpace = zip(bytes, bytes.dropFirst()).contains { $0 != 0x20 && $1 == 0x20 }
            return hasInnerSpace && vocabulary.id(of: [UInt8](bytes), 0, bytes.count) == id
        }
    }

    var byteCount: Int { 4 * (priorities.count + byteIDs.count) }

    /// Floats in descending order as ascending integers.
    private static func priority(_ score: Float) -> UInt32 {
        let bits = (score + 0).bitPattern  // + 0 makes a zero of a negative zero
        return bits >> 31 == 1 ? bits : ~(bits | 0x8000_0000)
    }

    /// Appends the tokens of `text[range]`. A text at the beginning, or behind a special token,
    /// gets a space in front where the vocabulary asks for it.
    func encode(
        _ text: [UInt8], _ range: Range<Int>, followsSpecial: Bool, into ids: inout [UInt32]
    ) {
        let hasPrefix = addsSpacePrefix && followsSpecial
        let spaced = Self.replacingMarks(text[range], prefix: hasPrefix ? [0x20] : [])
        var merger = TokenizerMerger()
        var start = 0
        while start < spaced.count {
            var end = spaced.count
            if joinsStayInWords {
                end = start + 1
                while end < spaced.count, spaced[end - 1] == 0x20 || spaced[end] != 0x20 {
                    end += 1
                }
            }
            encodeWord(spaced, start..<end, &merger, &ids)
            start = end
        }
    }

    private func encodeWord(
        _ text: [UInt8], _ range: Range<Int>, _ merger: inout TokenizerMerger,
        _ ids: inout [UInt32]
    ) {
        merger.removeAll()
        var start = range.lowerBound
        while start < range.upperBound {
            let (_, byteCount) = UnicodeClass.at(start, in: text, limit: range.upperBound)
            let end = start + byteCount
            merger.append(start: start, end: end, id: vocabulary.id(of: text, start, end))
            start = end
        }
        merger.merge(text, self)
        var index = 0
        while index >= 0 {
            let symbol = merger.symbols[index]
            if symbol.id != TokenizerVocabulary.none {
                ids.append(symbol.id)
            } else {
                appendBytes(text[Int(symbol.start)..<Int(symbol.end)], to: &ids)
            }
            index = Int(symbol.next)
        }
    }

    private func appendBytes(_ bytes: ArraySlice<UInt8>, to ids: inout [UInt32]) {
        for byte in bytes.elementsEqual([0x20]) ? Self.spaceMark[...] : bytes {
            let id = byteIDs[Int(byte)]
            if id != TokenizerVocabulary.none {
                ids.append(id)
            } else if let id = vocabulary.id(of: [byte], 0, 1) ?? unknown {
                ids.append(id)
            }
        }
    }

    /// `prefix` and `text`, with every ▁ in `text` replaced by a space.
    static func replacingMarks(_ text: ArraySlice<UInt8>, prefix: [UInt8] = []) -> [UInt8] {
        var result = prefix
        result.reserveCapacity(text.count + prefix.count)
        var index = text.startIndex
        while index < text.endIndex {
            if text[index] == spaceMark[0], text[index...].starts(with: spaceMark) {
                result.append(0x20)
                index += spaceMark.count
            } else {
                result.append(text[index])
                index += 1
            }
        }
        return result
    }
}

extension SentencePieceEncoder: TokenizerMergeRule {
    func priority(
        _ left: TokenizerSymbol, _ right: TokenizerSymbol, in text: [UInt8]
    ) -> UInt32? {
        vocabulary.id(of: text, Int(left.start), Int(right.end)).map { priorities[Int($0)] }
    }

    func token(_ text: [UInt8], _ start: Int, _ end: Int) -> UInt32? {
        vocabulary.id(of: text, start, end)
    }
}
