// SPDX-License-Identifier: Apache-2.0

import Platform

/// Which tokens have a role, from the metadata's ids and the tokens' texts.
struct TokenizerRoles {
    let beginning: UInt32?
    let end: UInt32?
    let unknown: UInt32?
    let addsBeginning: Bool
    let addsEnd: Bool
    let endOfGeneration: Set<UInt32>

    /// `addsBeginningByDefault` holds where the file does not say. SentencePiece vocabularies have
    /// the tokens 0, 1 and 2 for unknown, beginning and end unless the file names others.
    init(
        _ metadata: Metadata, isSentencePiece: Bool, _ addsBeginningByDefault: Bool
    ) throws(TokenizerError) {
        let texts = metadata.strings(TokenizerKeys.tokens) ?? []
        // Beyond the vocabulary only those that every text begins or ends with are refused.
        func id(
            _ key: String, _ usual: Int? = nil, isNeeded: Bool = false
        ) throws(TokenizerError) -> UInt32? {
            if let value = try metadata.optional(key, metadata.integer) {
                if texts.indices.contains(value) { return UInt32(value) }
                guard !isNeeded else {
                    throw .idOutOfRange(key: key, id: value, tokenCount: texts.count)
                }
                Log.warning("\(key) is \(value), but there are \(texts.count) tokens; left out")
            }
            return usual.flatMap { texts.indices.contains($0) ? UInt32($0) : nil }
        }
        func flag(_ key: String, _ usual: Bool, _ idKey: String, _ id: UInt32?)
            throws(TokenizerError) -> Bool
        {
            let isWanted = try metadata.optional(key, metadata.bool)
            guard isWanted != true || id != nil else {
                throw .missingSpecialToken(flag: key, key: idKey)
            }
            return (isWanted ?? usual) && id != nil
        }
        let keys = TokenizerKeys.self
        beginning = try id(keys.beginning, isSentencePiece ? 1 : nil, isNeeded: true)
        end = try id(keys.end, isSentencePiece ? 2 : nil, isNeeded: true)
        unknown = try id(keys.unknown, isSentencePiece ? 0 : nil)
        addsBeginning = try flag(
            keys.addsBeginning, addsBeginningByDefault, keys.beginning, beginning)
        addsEnd = try flag(keys.addsEnd, false, keys.end, end)
        var ending = Set(
            [end, try id(keys.endOfTurn), try id(keys.endOfMessage)].compactMap { $0 })
        for (index, text) in texts.enumerated()
        where SpecialTokenTexts.endOfGeneration.contains(text) {
            ending.insert(UInt32(index))
        }
        endOfGeneration = ending
    }
}
