// SPDX-License-Identifier: Apache-2.0

/// Cuts a template's source into tokens.
///
/// White space follows Jinja with `trim_blocks` and `lstrip_blocks`: the line break after a
/// statement or comment goes, and so do the spaces before one that begins a line; `-` beside a
/// delimiter trims all white space on that side, `+` none.
/// Source: Jinja's documentation, "Template Designer Documentation", white-space control.
struct TemplateLexer {
    let source: [Unicode.Scalar]
    var position = 0
    var line = 1
    var tokens: [TemplateToken] = []
    /// The last tag ended with a line break, so that spaces before the next are a line's first.
    private var isAtLineStart = true

    private init(_ text: String) {
        var scalars: [Unicode.Scalar] = []
        scalars.reserveCapacity(text.utf8.count)
        var previous: Unicode.Scalar?
        for scalar in text.unicodeScalars {
            if scalar == "\r" {
                scalars.append("\n")
            } else if scalar != "\n" || previous != "\r" {
                scalars.append(scalar)
            }
            previous = scalar
        }
        if scalars.last == "\n" { scalars.removeLast() }
        source = scalars
    }

    static func tokens(of text: String) throws(TemplateError) -> [TemplateToken] {
        let limit = TemplateLimits.sourceByteCountMax
        guard text.utf8.count <= limit else {
            throw .limitExceeded(line: 1, what: "bytes of source", limit: limit)
        }
        var lexer = TemplateLexer(text)
        while lexer.position < lexer.source.count { try lexer.readTextAndTag() }
        lexer.add(.end)
        return lexer.tokens
    }

    func fail(_ reason: String) -> TemplateError { .syntax(line: line, reason: reason) }

    mutating func add(_ kind: TemplateToken.Kind) {
        tokens.append(TemplateToken(kind: kind, line: line))
    }

    func scalar(at offset: Int) -> Unicode.Scalar? {
        position + offset < source.count ? source[position + offset] : nil
    }

    func matches(_ text: String) -> Bool {
        var index = position
        for scalar in text.unicodeScalars {
            guard index < source.count, source[index] == scalar else { return false }
            index += 1
        }
        return true
    }

    mutating func advance(_ count: Int) {
        for _ in 0..<count where position < source.count {
            if source[position] == "\n" { line += 1 }
            position += 1
        }
    }

    mutating func skipSpace() {
        while let scalar = scalar(at: 0), scalar.isPythonSpace { advance(1) }
    }

    // MARK: - Outside tags

    private mutating func readTextAndTag() throws(TemplateError) {
        let start = position
        var tagStart = start
        while tagStart < source.count, !isTagStart(tagStart) { tagStart += 1 }
        guard tagStart < source.count else {
            addText(source[start...])
            advance(tagStart - start)
            return
        }
        let kind = source[tagStart + 1]
        var control: Unicode.Scalar?
        if tagStart + 2 < source.count, "-+".unicodeScalars.contains(source[tagStart + 2]) {
            control = source[tagStart + 2]
        }
        addText(trimmedEnd(source[start..<tagStart], control: control, isOutput: kind == "{"))
        advance(tagStart - start + (control == nil ? 2 : 3))
        switch kind {
        case "#": try skipComment()
        case "{": try readTag(isOutput: true)
        default:
            if try !readRaw() { try readTag(isOutput: false) }
        }
        isAtLineStart = position > 0 && source[position - 1] == "\n"
    }

    private func isTagStart(_ index: Int) -> Bool {
        guard source[index] == "{", index + 1 < source.count else { return false }
        let next = source[index + 1]
        return next == "{" || next == "%" || next == "#"
    }

    private mutating func addText(_ text: ArraySlice<Unicode.Scalar>) {
        if !text.isEmpty { add(.text(String(scalars: text))) }
    }

    private func trimmedEnd(
        _ text: ArraySlice<Unicode.Scalar>, control: Unicode.Scalar?, isOutput: Bool
    ) -> ArraySlice<Unicode.Scalar> {
        var trimmed = text
        if control == "-" {
            while let last = trimmed.last, last.isPythonSpace { trimmed.removeLast() }
            return trimmed
        }
        guard control == nil, !isOutput else { return text }
        while let last = trimmed.last, last != "\n", last.isPythonSpace { trimmed.removeLast() }
        let reachesLineStart = trimmed.isEmpty ? isAtLineStart : trimmed.last == "\n"
        return reachesLineStart ? trimmed : text
    }

    private mutating func skipComment() throws(TemplateError) {
        let start = line
        while position < source.count {
            if readEnd("#}", trimsLineBreak: true) { return }
            advance(1)
        }
        throw .syntax(line: start, reason: "this comment has no end; add '#}'")
    }

    /// Consumes the delimiter `end` with the `-` or `+` before it and the space it trims.
    mutating func readEnd(_ end: String, trimsLineBreak: Bool) -> Bool {
        if matches(end) {
            advance(2)
            if trimsLineBreak, scalar(at: 0) == "\n" { advance(1) }
        } else if matches("-" + end) {
            advance(3)
            skipSpace()
        } else if trimsLineBreak, matches("+" + end) {
            advance(3)
        } else {
            return false
        }
        return true
    }

    // MARK: - Raw text

    /// Reads `raw %}…{% endraw %}` if it stands here, just behind a `{%`.
    private mutating func readRaw() throws(TemplateError) -> Bool {
        let start = self
        skipSpace()
        guard matches("raw") else {
            self = start
            return false
        }
        advance(3)
        skipSpace()
        guard readEnd("%}", trimsLineBreak: false) else {
            self = start
            return false
        }
        let textStart = position
        isAtLineStart = source[position - 1] == "\n"
        while position < source.count {
            let textEnd = position
            if matches("{%"), let control = readRawEnd() {
                let text = source[textStart..<textEnd]
                addText(trimmedEnd(text, control: control.sign, isOutput: false))
                return true
            }
            advance(1)
        }
        throw .syntax(line: start.line, reason: "this raw block has no end; add '{% endraw %}'")
    }

    private mutating func readRawEnd() -> (sign: Unicode.Scalar?, Void)? {
        let startPosition = position
        let startLine = line
        advance(2)
        var sign: Unicode.Scalar?
        if let scalar = scalar(at: 0), scalar == "-" || scalar == "+" {
            sign = scalar
            advance(1)
        }
        skipSpace()
        if matches("endraw") {
            advance(6)
            skipSpace()
            if readEnd("%}", trimsLineBreak: true) { return (sign, ()) }
        }
        position = startPosition
        line = startLine
        return nil
    }
}
