// SPDX-License-Identifier: Apache-2.0

/// Text to token ids and back, as the model was trained.
///
/// llama.cpp's ids for byte-level BPE (`tokenizer.ggml.model` = `gpt2`) and SentencePiece-style
/// vocabularies (`llama`). Nothing of the metadata is kept but compact tables.
package struct Tokenizer: Sendable {
    private enum Encoder: Sendable {
        case bytePair(BytePairEncoder)
        case sentencePiece(SentencePieceEncoder)
    }

    private let vocabulary: TokenizerVocabulary
    private let encoder: Encoder
    private let specialTokens: SpecialTokenMatcher
    private let addsEnd: Bool
    /// The token a sequence begins with.
    package let beginning: UInt32?
    package let end: UInt32?
    /// Whether the vocabulary asks for `beginning` in front of every text.
    package let addsBeginning: Bool
    /// Tokens after which nothing more is generated.
    package let endOfGeneration: Set<UInt32>

    package init(metadata: Metadata) throws(TokenizerError) {
        let roles: TokenizerRoles
        switch metadata.string(TokenizerKeys.model) {
        case "gpt2"?:
            guard let name = metadata.string(TokenizerKeys.preTokenizer) else {
                throw .missingKey(TokenizerKeys.preTokenizer)
            }
            let pre = try PreTokenizer(name: name)
            guard let merges = metadata.strings(TokenizerKeys.merges) else {
                throw .missingKey(TokenizerKeys.merges)
            }
            let alphabet = BytePairAlphabet()
            vocabulary = try TokenizerVocabulary(metadata, .byteLevel(alphabet))
            let table = try BytePairMerges(merges, vocabulary, alphabet)
            encoder = .bytePair(BytePairEncoder(pre, vocabulary, table))
            roles = try TokenizerRoles(metadata, isSentencePiece: false, pre.addsBeginning)
        case "llama"?:
            vocabulary = try TokenizerVocabulary(metadata, .sentencePiece)
            roles = try TokenizerRoles(metadata, isSentencePiece: true, true)
            encoder = .sentencePiece(
                try SentencePieceEncoder(
                    vocabulary, scores: try Self.scores(metadata, vocabulary.count),
                    byteIDs: TokenizerVocabulary.byteIDs(metadata), unknown: roles.unknown,
                    addsSpacePrefix: try metadata.optional(
                        TokenizerKeys.addsSpacePrefix, metadata.bool) ?? true))
        case let name?: throw .unknownModel(name)
        case nil: throw .missingKey(TokenizerKeys.model)
        }
        specialTokens = SpecialTokenMatcher(vocabulary)
        beginning = roles.beginning
        end = roles.end
        addsBeginning = roles.addsBeginning
        addsEnd = roles.addsEnd
        endOfGeneration = roles.endOfGeneration
    }

    /// Some converters write integers where all scores are whole.
    private static func scores(
        _ metadata: Metadata, _ tokenCount: Int
    ) throws(TokenizerError) -> [Float]? {
        let scores = try metadata.optional(TokenizerKeys.scores) { key in
            metadata.floats(key) ?? metadata.integers(key)?.map { Float($0) }
        }
        guard let scores else { return nil }
        guard scores.count >= tokenCount else {
            throw .wrongCount(
                key: TokenizerKeys.scores, count: scores.count, tokenCount: tokenCount)
        }
        return scores
    }

    package var vocabularyCount: Int { vocabulary.count }

    /// Bytes held by the tables.
    package var tableByteCount: Int {
        let encoderByteCount =
            switch encoder {
            case .bytePair(let encoder): encoder.byteCount
            case .sentencePiece(let encoder): encoder.byteCount
            }
        return vocabulary.byteCount + specialTokens.byteCount + encoderByteCount
    }

    /// The tokens of `text`.
    ///
    /// With `parseSpecial`, the text of a control token becomes that token; without it, it is text
    /// like any other, as it must be for what a user wrote. User-defined tokens are always found.
    /// With `addBeginning`, the beginning and end tokens are added if the vocabulary asks for them.
    /// The text has at most `TokenizerLimits.textByteCountMax` bytes.
    package func encode(_ text: String, parseSpecial: Bool, addBeginning: Bool) -> [UInt32] {
        let bytes = [UInt8](text.utf8)
        precondition(bytes.count <= TokenizerLimits.textByteCountMax)
        var ids: [UInt32] = []
        ids.reserveCapacity(bytes.count / 4 + 2)
        if addBeginning, addsBeginning, let beginning { ids.append(beginning) }
        var followsSpecial = true
        for fragment in specialTokens.fragments(of: bytes, parseSpecial: parseSpecial) {
            switch (fragment, encoder) {
            case (.token(let id), _):
                ids.append(id)
                followsSpecial = true
            case (.text(let range), .bytePair(let encoder)):
                encoder.encode(bytes, range, into: &ids)
            case (.text(let range), .sentencePiece(let encoder)):
                encoder.encode(bytes, range, followsSpecial: followsSpecial, into: &ids)
                followsSpecial = false
            }
        }
        if addBeginning, addsEnd, let end { ids.append(end) }
        return ids
    }

    /// What `id` adds to the text: perhaps part of a character. Nothing for an id that is no token
    /// or has no use, nor for control tokens unless `showSpecial`.
    package func bytes(of id: UInt32, showSpecial: Bool) -> [UInt8] {
        guard id < UInt32(vocabulary.count) else { return [] }
        switch vocabulary.kind(of: id) {
        case .undefined, .unused: return []
        case .control, .unknown: return showSpecial ? [UInt8](vocabulary.bytes(of: id)) : []
        case .normal, .userDefined, .byte: return [UInt8](vocabulary.bytes(of: id))
        }
    }
}
