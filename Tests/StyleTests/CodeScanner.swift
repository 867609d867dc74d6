// SPDX-License-Identifier: Apache-2.0

/// Blanks comments and string literals, so that what is left can be searched for code.
///
/// Knows Swift's nested comments, raw and multi-line strings and interpolations (which stay, being
/// code), and C's character literals. Regex literals are not known: keep quotes out of them.
struct CodeScanner {
    private let input: [UInt8]
    private let isC: Bool
    private var output: [UInt8] = []
    private var index = 0

    static func blanked(_ text: String, isC: Bool = false) -> String {
        var scanner = CodeScanner(input: Array(text.utf8), isC: isC)
        scanner.scanCode(endingAtParenthesis: false)
        return String(decoding: scanner.output, as: UTF8.self)
    }

    private init(input: [UInt8], isC: Bool) {
        self.input = input
        self.isC = isC
        output.reserveCapacity(input.count)
    }

    private func at(_ text: StaticString, offset: Int = 0) -> Bool {
        let start = index + offset
        guard start + text.utf8CodeUnitCount <= input.count else { return false }
        return text.withUTF8Buffer { input[start..<start + $0.count].elementsEqual($0) }
    }

    private mutating func keep(_ count: Int = 1) {
        output.append(contentsOf: input[index..<min(index + count, input.count)])
        index = min(index + count, input.count)
    }

    private mutating func blank(_ count: Int = 1) {
        for byte in input[index..<min(index + count, input.count)] {
            output.append(byte == UInt8(ascii: "\n") ? byte : UInt8(ascii: " "))
        }
        index = min(index + count, input.count)
    }

    private mutating func scanCode(endingAtParenthesis: Bool) {
        var depth = 0
        while index < input.count {
            if at("//") {
                while index < input.count, !at("\n") { blank() }
            } else if at("/*") {
                scanBlockComment()
            } else if isC, at("'") {
                scanString(quoteCount: 1, hashCount: 0)
            } else if at("\"") || at("#") {
                scanQuoteOrHash()
            } else {
                if at("(") { depth += 1 }
                if at(")") { depth -= 1 }
                if endingAtParenthesis, depth < 0 { return }
                keep()
            }
        }
    }

    private mutating func scanBlockComment() {
        var depth = 0
        repeat {
            if at("/*"), depth == 0 || !isC {
                depth += 1
                blank(2)
            } else if at("*/") {
                depth -= 1
                blank(2)
            } else {
                blank()
            }
        } while depth > 0 && index < input.count
    }

    /// `"`, `"""`, `#"`, or a `#` that begins something else (`#expect`).
    private mutating func scanQuoteOrHash() {
        var hashCount = 0
        while !isC, at("#", offset: hashCount) { hashCount += 1 }
        if at("\"", offset: hashCount) {
            let isLong = !isC && at("\"\"\"", offset: hashCount)
            blank(hashCount)
            scanString(quoteCount: isLong ? 3 : 1, hashCount: hashCount)
        } else {
            keep(max(1, hashCount))
        }
    }

    private mutating func scanString(quoteCount: Int, hashCount: Int) {
        let quote = input[index]
        let end =
            [UInt8](repeating: quote, count: quoteCount)
            + [UInt8](repeating: UInt8(ascii: "#"), count: hashCount)
        let escape =
            [UInt8(ascii: "\\")]
            + [UInt8](repeating: UInt8(ascii: "#"), count: hashCount)
        blank(quoteCount)
        while index < input.count {
            if input[index...].starts(with: end) {
                return blank(end.count)
            } else if input[index...].starts(with: escape) {
                blank(escape.count)
                if !isC, at("(") {
                    keep()
                    scanCode(endingAtParenthesis: true)
                    keep()
                } else {
                    blank()
                }
            } else if quoteCount == 1, at("\n") {
                return
            } else {
                blank()
            }
        }
    }
}
