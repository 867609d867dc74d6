// SPDX-License-Identifier: Apache-2.0

extension PreTokenizer {
    func tekkenPieceEnd(in text: [UInt8], from start: Int, limit: Int) -> Int {
        if let end = wordEnd(in: text, from: start, limit: limit) { return end }
        let (first, firstByteCount) = UnicodeClass.at(start, in: text, limit: limit)
        let next = start + firstByteCount
        if first == .number { return next }
        if first == .other { return markEnd(in: text, from: start, limit: limit) }
        if text[start] == UInt8(ascii: " "), next < limit,
            UnicodeClass.at(next, in: text, limit: limit).0 == .other
        {
            return markEnd(in: text, from: next, limit: limit)
        }
        return lineBreakEnd(in: text, from: start, limit: limit)
            ?? spaceEnd(in: text, from: start, limit: limit, numbersAlone: false)
    }

    /// `[^\s\p{L}\p{N}]+[\r\n/]*`
    private func markEnd(in text: [UInt8], from start: Int, limit: Int) -> Int {
        var end = runEnd(of: .other, in: text, from: start, limit: limit)
        while end < limit, isLineBreak(text[end]) || text[end] == UInt8(ascii: "/") { end += 1 }
        return end
    }

    /// The pattern's two alternatives for words, each first with a character before the word.
    private func wordEnd(in text: [UInt8], from start: Int, limit: Int) -> Int? {
        var starts = [start]
        let (first, byteCount) = UnicodeClass.at(start, in: text, limit: limit)
        if first == .other || first == .space, !isLineBreak(text[start]) {
            starts.insert(start + byteCount, at: 0)
        }
        for word in starts {
            if let end = lowerEndingWordEnd(in: text, from: word, limit: limit) { return end }
        }
        for word in starts {
            let capitals = Capitals(in: text, from: word, limit: limit)
            if capitals.end > word {
                return smallEnd(in: text, from: capitals.end, limit: limit)
            }
        }
        return nil
    }

    /// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+`: where no small letter follows
    /// the first part, it gives back as little as the second can do with.
    private func lowerEndingWordEnd(in text: [UInt8], from start: Int, limit: Int) -> Int? {
        let capitals = Capitals(in: text, from: start, limit: limit)
        let end = smallEnd(in: text, from: capitals.end, limit: limit)
        return end > capitals.end ? end : capitals.lastCaselessEnd
    }

    /// `[\p{Ll}\p{Lm}\p{Lo}\p{M}]*`
    private func smallEnd(in text: [UInt8], from start: Int, limit: Int) -> Int {
        var end = start
        while end < limit {
            let (found, byteCount) = LetterCase.at(end, in: text, limit: limit)
            guard found == .small || found == .caseless else { break }
            end += byteCount
        }
        return end
    }

    /// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*`
    private struct Capitals {
        var end: Int
        /// Where the last of them ends that may also stand among small letters.
        var lastCaselessEnd: Int?

        init(in text: [UInt8], from start: Int, limit: Int) {
            end = start
            while end < limit {
                let (found, byteCount) = LetterCase.at(end, in: text, limit: limit)
                guard found == .capital || found == .caseless else { break }
                end += byteCount
                if found == .caseless { lastCaselessEnd = end }
            }
        }
    }
}

/// What a character is within a word.
private enum LetterCase {
    /// `\p{Lu}\p{Lt}`
    case capital
    /// `\p{Ll}`
    case small
    /// `\p{Lm}\p{Lo}\p{M}`
    case caseless
    case none

    /// The case and the byte count of the character at `text[start]`, as `UnicodeClass.at`.
    static func at(_ start: Int, in text: [UInt8], limit: Int) -> (LetterCase, byteCount: Int) {
        let lead = text[start]
        switch lead {
        case 0x61...0x7A: return (.small, 1)
        case 0x41...0x5A: return (.capital, 1)
        case 0..<0x80: return (.none, 1)
        default: break
        }
        guard let (scalar, byteCount) = UnicodeClass.scalar(at: start, in: text, limit: limit)
        else {
            return (.none, 1)
        }
        return (LetterCase(scalar), byteCount)
    }

    private init(_ scalar: Unicode.Scalar) {
        self =
            switch scalar.properties.generalCategory {
            case .uppercaseLetter, .titlecaseLetter: .capital
            case .lowercaseLetter: .small
            case .modifierLetter, .otherLetter, .nonspacingMark, .spacingMark, .enclosingMark:
                .caseless
            default: .none
            }
    }
}
