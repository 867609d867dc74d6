// SPDX-License-Identifier: Apache-2.0

/// Turns the lines that a person types into what a chat does next.
package struct ChatLines {
    package enum Directive: Equatable {
        case ask(String)
        case restart
        case quit
        /// The next line belongs to this one, or there was nothing in it.
        case goOn
    }

    /// Of a text of several lines.
    package static let textBytesMax = 1 << 20
    private static let mark = "\"\"\""

    /// The lines so far of a text of several; nil outside of one.
    private var block: [String]?
    private var blockByteCount = 0

    package init() {}

    package var isInBlock: Bool { block != nil }

    package mutating func take(_ line: String) throws(ChatError) -> Directive {
        if isInBlock { return try goOn(with: line) }
        let words = line.drop(while: \.isWhitespace)
        if words.hasPrefix(Self.mark) {
            block = []
            blockByteCount = 0
            return try goOn(with: String(words.dropFirst(Self.mark.count)))
        }
        switch trimmed(line) {
        case "": return .goOn
        case "/new": return .restart
        case "/quit": return .quit
        case let text where text.first == "/" && text.dropFirst().allSatisfy(\.isLetter):
            throw .unknownCommand(text)
        default: return .ask(line)
        }
    }

    /// A line of a block; beside the marks there need not be anything.
    private mutating func goOn(with line: String) throws(ChatError) -> Directive {
        let end = withoutTrailingBlanks(line)
        let isLast = end.hasSuffix(Self.mark)
        let text = isLast ? String(end.dropLast(Self.mark.count)) : line
        var lines = block ?? []
        block = nil
        blockByteCount += text.utf8.count + 1
        guard blockByteCount <= Self.textBytesMax else {
            throw .textTooLong(limit: Self.textBytesMax)
        }
        if !text.isEmpty || !(lines.isEmpty || isLast) { lines.append(text) }
        guard isLast else {
            block = lines
            return .goOn
        }
        let whole = lines.joined(separator: "\n")
        return trimmed(whole).isEmpty ? .goOn : .ask(whole)
    }

    /// Drops what a block has got so far.
    package mutating func takeBack() { block = nil }

    private func trimmed(_ text: String) -> String {
        withoutTrailingBlanks(text.drop(while: \.isWhitespace))
    }

    private func withoutTrailingBlanks(_ text: some StringProtocol) -> String {
        String(text.dropLast(text.reversed().prefix(while: \.isWhitespace).count))
    }
}
