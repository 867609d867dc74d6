// SPDX-License-Identifier: Apache-2.0

/// The two ways in which vocabularies write bytes.
enum TokenizerSpelling {
    /// Every byte is a printable character (`gpt2`).
    case byteLevel(BytePairAlphabet)
    /// Text as it is, with ▁ for a space (`llama`).
    case sentencePiece
}

extension TokenizerVocabulary {
    init(_ metadata: Metadata, _ spelling: TokenizerSpelling) throws(TokenizerError) {
        guard let texts = metadata.strings(TokenizerKeys.tokens), !texts.isEmpty else {
            throw .missingKey(TokenizerKeys.tokens)
        }
        let limit = TokenizerLimits.tokenCountMax
        guard texts.count <= limit else { throw .tooManyTokens(count: texts.count, limit: limit) }
        let byteCount = texts.reduce(0) { $0 + $1.utf8.count }
        let byteLimit = TokenizerLimits.vocabularyByteCountMax
        guard byteCount <= byteLimit else {
            throw .vocabularyTooLong(byteCount: byteCount, limit: byteLimit)
        }
        let kinds = try metadata.optional(TokenizerKeys.kinds, metadata.integers)
        if let kinds, kinds.count < texts.count {
            throw .wrongCount(
                key: TokenizerKeys.kinds, count: kinds.count, tokenCount: texts.count)
        }
        self.init(tokenCount: texts.count)
        for (index, text) in texts.enumerated() {
            var kind = TokenKind.normal
            if let kinds {
                kind = UInt8(exactly: kinds[index]).flatMap(TokenKind.init) ?? .undefined
            }
            if SpecialTokenTexts.control.contains(text) { kind = .control }
            try append(text, kind, spelling)
        }
        trim()
    }

    private mutating func append(
        _ text: String, _ kind: TokenKind, _ spelling: TokenizerSpelling
    ) throws(TokenizerError) {
        if kind == .byte {
            guard let byte = Self.byte(named: text) else {
                throw .malformedByteToken(id: UInt32(count))
            }
            return try append([byte], kind: kind, isIndexed: false)
        }
        let raw = [UInt8](text.utf8)
        let isLiteral = kind.isHidden || kind == .userDefined
        switch spelling {
        case .byteLevel(let alphabet):
            let decoded = alphabet.bytes(of: text.unicodeScalars)
            let bytes = isLiteral ? raw : decoded ?? raw
            try append(bytes, kind: kind, isIndexed: bytes == decoded)
        case .sentencePiece:
            let bytes = isLiteral ? raw : SentencePieceEncoder.replacingMarks(raw[...])
            // A space that is not written as ▁ is never looked for.
            try append(bytes, kind: kind, isIndexed: !raw.contains(0x20))
        }
    }

    /// The byte that a text like `<0x0A>` names.
    static func byte(named text: String) -> UInt8? {
        guard text.utf8.count == 6, text.hasPrefix("<0x"), text.hasSuffix(">") else { return nil }
        return UInt8(text.dropFirst(3).dropLast(), radix: 16)
    }

    /// The tokens `<0x00>` to `<0xFF>`, `none` where there is none.
    static func byteIDs(_ metadata: Metadata) -> [UInt32] {
        var ids = [UInt32](repeating: none, count: 256)
        for (index, text) in (metadata.strings(TokenizerKeys.tokens) ?? []).enumerated() {
            if let byte = byte(named: text) { ids[Int(byte)] = UInt32(index) }
        }
        return ids
    }
}
