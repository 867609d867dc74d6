// SPDX-License-Identifier: Apache-2.0

/// Tokens to text, one at a time, in whole characters.
///
/// Bytes that may be the beginning of a character wait for the rest. Everything returned, put
/// together, is the text of all the tokens' bytes; invalid ones become U+FFFD.
package struct StreamingDecoder: Sendable {
    private let tokenizer: Tokenizer
    private let showSpecial: Bool
    /// At most three bytes: a character that lacks its end.
    private var pending: [UInt8] = []

    package init(tokenizer: Tokenizer, showSpecial: Bool = false) {
        self.tokenizer = tokenizer
        self.showSpecial = showSpecial
    }

    /// The text that can be shown now that `id` has come; perhaps empty.
    package mutating func append(_ id: UInt32) -> String {
        pending.append(contentsOf: tokenizer.bytes(of: id, showSpecial: showSpecial))
        let whole = Self.wholeByteCount(pending)
        let text = String(decoding: pending[..<whole], as: UTF8.self)
        pending.removeFirst(whole)
        return text
    }

    /// What is left when no more tokens come.
    package mutating func finish() -> String {
        defer { pending = [] }
        return String(decoding: pending, as: UTF8.self)
    }

    /// The count of bytes in front of a character that has begun and lacks its end.
    private static func wholeByteCount(_ bytes: [UInt8]) -> Int {
        for length in 1...3 where length <= bytes.count {
            let byte = bytes[bytes.count - length]
            if byte & 0xC0 == 0x80 { continue }  // not the first of its character
            let wanted = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
            return wanted > length ? bytes.count - length : bytes.count
        }
        return bytes.count
    }
}
