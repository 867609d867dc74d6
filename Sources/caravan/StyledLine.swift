// SPDX-License-Identifier: Apache-2.0

/// A line of a screen: pieces of text, each with a style. One Unicode scalar takes one column.
package struct StyledLine {
    /// SGR parameters of ECMA-48, of the eight colours that every terminal has.
    package enum Style: String {
        case plain = ""
        case bold = "1"
        case faint = "2"
        case good = "32"
        case waiting = "33"
        case alarm = "1;31"
        case accent = "36"
    }

    private var pieces: [(text: String, style: Style)] = []
    private(set) var width = 0

    init() {}

    package init(_ text: String, _ style: Style = .plain) { add(text, style) }

    /// Adds `text`, of which no scalar may be wider or narrower than a column: see `oneColumned`.
    mutating func add(_ text: String, _ style: Style = .plain) {
        guard !text.isEmpty else { return }
        pieces.append((text, style))
        width += text.unicodeScalars.count
    }

    mutating func add(_ line: StyledLine) {
        pieces += line.pieces
        width += line.width
    }

    mutating func pad(to column: Int) {
        if width < column { add(String(repeating: " ", count: column - width)) }
    }

    /// The line in at most `limit` columns; what is cut off ends in an ellipsis.
    func cut(to limit: Int) -> StyledLine {
        guard width > limit else { return self }
        var result = StyledLine()
        for (text, style) in pieces {
            let room = limit - result.width
            guard room > 0 else { break }
            let isLast = text.unicodeScalars.count >= room && width > limit
            result.add(isLast ? text.cut(to: room, always: true) : text, style)
        }
        return result
    }

    package func text(colour: Bool) -> String {
        pieces.reduce(into: "") { line, piece in
            let isStyled = colour && piece.style != .plain
            line += isStyled ? "\u{1B}[\(piece.style.rawValue)m\(piece.text)\u{1B}[0m" : piece.text
        }
    }
}

extension String {
    /// The text in at most `limit` columns, with an ellipsis where it is cut, or `always`.
    func cut(to limit: Int, always: Bool = false) -> String {
        guard limit > 0 else { return "" }
        guard always || unicodeScalars.count > limit else { return self }
        return String(String.UnicodeScalarView(unicodeScalars.prefix(limit - 1))) + "…"
    }

    /// The text of a stranger with one column for each scalar: how wide scalars beyond Latin,
    /// Greek and Cyrillic are depends on the terminal, so each of them shows as `?`.
    var oneColumned: String {
        String(
            String.UnicodeScalarView(
                unicodeScalars.map { scalar in
                    switch scalar.value {
                    case 0..<0x20, 0x7F..<0xA0, 0xAD: " "
                    case 0x300..<0x370, 0x483..<0x48A, 0x530...: "?"
                    default: scalar
                    }
                }))
    }
}
