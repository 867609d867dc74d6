// SPDX-License-Identifier: Apache-2.0

extension PreTokenizer {
    func gpt2PieceEnd(
        in text: [UInt8], from start: Int, limit: Int, numbersAlone: Bool
    ) -> Int {
        let (first, firstByteCount) = UnicodeClass.at(start, in: text, limit: limit)
        var body = first
        var bodyStart = start + firstByteCount
        if text[start] == UInt8(ascii: " "), bodyStart < limit {
            let (second, byteCount) = UnicodeClass.at(bodyStart, in: text, limit: limit)
            if !(second == .number && numbersAlone) {
                body = second
                bodyStart += byteCount
            }
        }
        switch body {
        case .space:
            return spaceEnd(in: text, from: start, limit: limit, numbersAlone: numbersAlone)
        case .number where numbersAlone:
            return bodyStart
        case .other where text[start] == UInt8(ascii: "'"):
            if let end = contractionEnd(in: text, from: start, limit: limit) { return end }
        default: break
        }
        return runEnd(of: body, in: text, from: bodyStart, limit: limit)
    }

    /// `'s|'t|'re|'ve|'m|'ll|'d`, lower case only. `text[start]` is the apostrophe.
    private func contractionEnd(in text: [UInt8], from start: Int, limit: Int) -> Int? {
        guard start + 1 < limit else { return nil }
        let second = start + 2 < limit ? text[start + 2] : 0
        switch (text[start + 1], second) {
        case (UInt8(ascii: "s"), _), (UInt8(ascii: "t"), _), (UInt8(ascii: "m"), _),
            (UInt8(ascii: "d"), _):
            return start + 2
        case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
            (UInt8(ascii: "l"), UInt8(ascii: "l")):
            return start + 3
        default: return nil
        }
    }
}
