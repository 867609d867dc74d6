// SPDX-License-Identifier: Apache-2.0

extension PreTokenizer {
    func llama3PieceEnd(
        in text: [UInt8], from start: Int, limit: Int, numberCountMax: Int
    ) -> Int {
        let lead = text[start]
        if lead == UInt8(ascii: "'"),
            let end = anyCaseContractionEnd(in: text, from: start, limit: limit)
        {
            return end
        }
        let (first, firstByteCount) = UnicodeClass.at(start, in: text, limit: limit)
        let next = start + firstByteCount
        if first == .letter {
            return runEnd(of: .letter, in: text, from: next, limit: limit)
        }
        if first == .number {
            return runEnd(
                of: .number, in: text, from: start, limit: limit, countMax: numberCountMax)
        }
        if next < limit, !isLineBreak(lead) {
            let (second, byteCount) = UnicodeClass.at(next, in: text, limit: limit)
            if second == .letter {
                return runEnd(of: .letter, in: text, from: next + byteCount, limit: limit)
            }
            if second == .other, lead == UInt8(ascii: " ") {
                return otherEnd(in: text, from: next, limit: limit)
            }
        }
        if first == .other { return otherEnd(in: text, from: start, limit: limit) }
        return lineBreakEnd(in: text, from: start, limit: limit)
            ?? spaceEnd(in: text, from: start, limit: limit, numbersAlone: false)
    }

    func isLineBreak(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }

    /// `[^\s\p{L}\p{N}]+[\r\n]*`
    private func otherEnd(in text: [UInt8], from start: Int, limit: Int) -> Int {
        var end = runEnd(of: .other, in: text, from: start, limit: limit)
        while end < limit, isLineBreak(text[end]) { end += 1 }
        return end
    }

    /// `\s*[\r\n]+`: the end of the last line break in this run of white space.
    func lineBreakEnd(in text: [UInt8], from start: Int, limit: Int) -> Int? {
        let end = runEnd(of: .space, in: text, from: start, limit: limit)
        var last = end
        while last > start {
            if isLineBreak(text[last - 1]) { return last }
            last -= 1
        }
        return nil
    }

    /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)`, where an s may also be U+017F, the long s.
    private func anyCaseContractionEnd(in text: [UInt8], from start: Int, limit: Int) -> Int? {
        guard start + 1 < limit else { return nil }
        let first = text[start + 1]
        let second = start + 2 < limit ? text[start + 2] : 0
        if first == 0xC5, second == 0xBF { return start + 3 }
        switch (lowerCase(first), lowerCase(second)) {
        case (UInt8(ascii: "s"), _), (UInt8(ascii: "t"), _), (UInt8(ascii: "m"), _),
            (UInt8(ascii: "d"), _):
            return start + 2
        case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
            (UInt8(ascii: "l"), UInt8(ascii: "l")):
            return start + 3
        default: return nil
        }
    }

    private func lowerCase(_ byte: UInt8) -> UInt8 {
        (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
    }
}
