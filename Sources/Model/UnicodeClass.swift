// SPDX-License-Identifier: Apache-2.0

/// The distinctions that pre-tokenizers' patterns make between characters.
enum UnicodeClass: UInt8 {
    /// `\p{L}`
    case letter
    /// `\p{N}`
    case number
    /// `\s`: the property White_Space.
    case space
    case other

    /// The class and the byte count of the character at `text[start]`, which must not reach
    /// beyond `limit`; a byte that begins no whole character counts as a character `other`.
    static func at(_ start: Int, in text: [UInt8], limit: Int) -> (UnicodeClass, byteCount: Int) {
        let lead = text[start]
        if lead < 0x80 { return (ascii(lead), 1) }
        guard let (scalar, count) = scalar(at: start, in: text, limit: limit) else {
            return (.other, 1)
        }
        return (UnicodeClass(scalar), count)
    }

    /// The character beyond ASCII at `text[start]`; nil where none is there as a whole.
    static func scalar(
        at start: Int, in text: [UInt8], limit: Int
    ) -> (Unicode.Scalar, byteCount: Int)? {
        let lead = text[start]
        let count = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2
        guard lead >= 0xC2, start + count <= limit else { return nil }
        var value = UInt32(lead) & (0x7F >> UInt32(count))
        for index in start + 1..<start + count {
            value = value << 6 | UInt32(text[index] & 0x3F)
        }
        return Unicode.Scalar(value).map { ($0, count) }
    }

    private static func ascii(_ byte: UInt8) -> UnicodeClass {
        switch byte {
        case 0x61...0x7A, 0x41...0x5A: .letter
        case 0x30...0x39: .number
        case 0x20, 0x09...0x0D: .space
        default: .other
        }
    }

    init(_ scalar: Unicode.Scalar) {
        // Two blocks that make up most of East Asian text, without a look-up.
        switch scalar.value {
        case 0x3041...0x3096, 0x4E00...0x9FFF, 0xAC00...0xD7A3:
            self = .letter
            return
        default: break
        }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            self = .letter
        case .decimalNumber, .letterNumber, .otherNumber:
            self = .number
        default:
            self = scalar.properties.isWhitespace ? .space : .other
        }
    }
}
