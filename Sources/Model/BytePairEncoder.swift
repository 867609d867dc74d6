// SPDX-License-Identifier: Apache-2.0

/// Byte-level byte-pair encoding: text is cut into pieces, and in each piece the pair of tokens
/// with the lowest rank is joined until none is left.
///
/// Source: Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with Subword
/// Units" (2016), on bytes as GPT-2 does it.
struct BytePairEncoder: Sendable {
    private let preTokenizer: PreTokenizer
    private let vocabulary: TokenizerVocabulary
    private let merges: BytePairMerges
    /// The tokens of single bytes; `TokenizerVocabulary.none` for a byte without one.
    private let byteIDs: [UInt32]

    init(
        _ preTokenizer: PreTokenizer, _ vocabulary: TokenizerVocabulary, _ merges: BytePairMerges
    ) {
        self.preTokenizer = preTokenizer
        self.vocabulary = vocabulary
        self.merges = merges
        byteIDs = (0...255).map { byte in
            vocabulary.id(of: [UInt8(byte)], 0, 1) ?? TokenizerVocabulary.none
        }
    }

    var byteCount: Int { merges.byteCount + 4 * byteIDs.count }

    /// Appends the tokens of `text[range]`. Bytes that have no token are left out, as llama.cpp
    /// does; published vocabularies have all that occur in text.
    func encode(_ text: [UInt8], _ range: Range<Int>, into ids: inout [UInt32]) {
        var merger = TokenizerMerger()
        var start = range.lowerBound
        while start < range.upperBound {
            let end = preTokenizer.pieceEnd(in: text, from: start, limit: range.upperBound)
            if end == start + 1 {
                append(byteIDs[Int(text[start])], to: &ids)
            } else if preTokenizer.takesWholePieces,
                let id = vocabulary.id(of: text, start, end)
            {
                ids.append(id)
            } else {
                encodePiece(text, start, end, &merger, &ids)
            }
            start = end
        }
    }

    private func encodePiece(
        _ text: [UInt8], _ start: Int, _ end: Int, _ merger: inout TokenizerMerger,
        _ ids: inout [UInt32]
    ) {
        merger.removeAll()
        for index in start..<end {
            merger.append(start: index, end: index + 1, id: byteIDs[Int(text[index])])
        }
        merger.merge(text, self)
        var index = 0
        while index >= 0 {
            append(merger.symbols[index].id, to: &ids)
            index = Int(merger.symbols[index].next)
        }
    }

    private func append(_ id: UInt32, to ids: inout [UInt32]) {
        if id != TokenizerVocabulary.none { ids.append(id) }
    }
}

extension BytePairEncoder: TokenizerMergeRule {
    func priority(
        _ left: TokenizerSymbol, _ right: TokenizerSymbol, in text: [UInt8]
    ) -> UInt32? {
        guard left.id != TokenizerVocabulary.none, right.id != TokenizerVocabulary.none else {
            return nil
        }
        return merges.rank(left.id, right.id)
    }

    func token(_ text: [UInt8], _ start: Int, _ end: Int) -> UInt32? {
        vocabulary.id(of: text, start, end)
    }
}
