// SPDX-License-Identifier: Apache-2.0

extension TemplateLexer {
    /// Reads what stands between the delimiters of a statement or an output, and the end.
    mutating func readTag(isOutput: Bool) throws(TemplateError) {
        let startLine = line
        let end = isOutput ? "}}" : "%}"
        var brackets: [TemplateSymbol] = []
        add(isOutput ? .outputBegin : .statementBegin)
        while true {
            skipSpace()
            guard let scalar = scalar(at: 0) else {
                throw .syntax(line: startLine, reason: "this tag has no end; add '\(end)'")
            }
            let endLine = line
            if brackets.isEmpty, readEnd(end, trimsLineBreak: !isOutput) {
                let kind: TemplateToken.Kind = isOutput ? .outputEnd : .statementEnd
                tokens.append(TemplateToken(kind: kind, line: endLine))
                return
            }
            switch scalar {
            case "0"..."9": try readNumber()
            case "'", "\"": try readString(quote: scalar)
            case _ where scalar == "_" || scalar.properties.isXIDStart: try readName()
            default: try readSymbol(&brackets)
            }
        }
    }

    private mutating func readName() throws(TemplateError) {
        var name = String.UnicodeScalarView()
        while let scalar = scalar(at: 0), scalar == "_" || scalar.properties.isXIDContinue {
            name.append(scalar)
            advance(1)
        }
        let limit = TemplateLimits.nameLengthMax
        guard name.count <= limit else {
            throw .limitExceeded(line: line, what: "characters of a name", limit: limit)
        }
        add(.name(String(name)))
    }

    private mutating func readSymbol(_ brackets: inout [TemplateSymbol]) throws(TemplateError) {
        for length in [2, 1] where position + length <= source.count {
            let text = String(scalars: source[position..<position + length])
            guard let symbol = TemplateSymbol.byText[text] else { continue }
            if let closing = symbol.closing {
                brackets.append(closing)
            } else if [.rightBracket, .rightParenthesis, .rightBrace].contains(symbol) {
                guard brackets.popLast() == symbol else {
                    throw fail("'\(text)' closes no bracket")
                }
            }
            add(.symbol(symbol))
            advance(length)
            return
        }
        throw fail("unexpected character '\(source[position])'")
    }

    // MARK: - Numbers

    private mutating func readNumber() throws(TemplateError) {
        if scalar(at: 0) == "0", let mark = scalar(at: 1),
            let radix = ["x": 16, "X": 16, "o": 8, "O": 8, "b": 2, "B": 2][mark]
        {
            advance(2)
            let digits = readDigits { $0.properties.isASCIIHexDigit }
            return try addInteger(digits, radix: radix)
        }
        let isAfterDot = tokens.last?.kind == .symbol(.dot)
        var text = readDigits(Self.isDigit)
        let whole = text
        if !isAfterDot {
            if scalar(at: 0) == ".", let next = scalar(at: 1), Self.isDigit(next) {
                advance(1)
                text += "." + readDigits(Self.isDigit)
            }
            text += readExponent()
        }
        guard text != whole else { return try addInteger(whole, radix: 10) }
        guard let number = Double(text) else { throw fail("malformed number") }
        add(.double(number))
    }

    private mutating func readExponent() -> String {
        guard let mark = scalar(at: 0), mark == "e" || mark == "E", let next = scalar(at: 1) else {
            return ""
        }
        if Self.isDigit(next) {
            advance(1)
            return "e" + readDigits(Self.isDigit)
        }
        guard next == "+" || next == "-", let digit = scalar(at: 2), Self.isDigit(digit) else {
            return ""
        }
        advance(2)
        return "e" + String(next) + readDigits(Self.isDigit)
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool {
        ("0"..."9").contains(scalar)
    }

    private mutating func readDigits(_ isDigit: (Unicode.Scalar) -> Bool) -> String {
        var digits = ""
        while let scalar = scalar(at: 0), isDigit(scalar) || scalar == "_" {
            if scalar != "_" { digits.unicodeScalars.append(scalar) }
            advance(1)
        }
        return digits
    }

    private mutating func addInteger(_ digits: String, radix: Int) throws(TemplateError) {
        guard let number = Int(digits, radix: radix) else {
            throw fail("the integer is malformed or has more than 64 bits")
        }
        add(.integer(number))
    }

    // MARK: - Strings

    private mutating func readString(quote: Unicode.Scalar) throws(TemplateError) {
        let startLine = line
        var text = String.UnicodeScalarView()
        advance(1)
        while let scalar = scalar(at: 0) {
            advance(1)
            if scalar == quote {
                tokens.append(TemplateToken(kind: .string(String(text)), line: startLine))
                return
            }
            if scalar == "\\" { try readEscape(into: &text) } else { text.append(scalar) }
        }
        throw .syntax(line: startLine, reason: "this string has no end")
    }

    /// Reads what follows a backslash; unknown escapes stay as they are, as in Python.
    private mutating func readEscape(
        into text: inout String.UnicodeScalarView
    ) throws(TemplateError) {
        guard let scalar = scalar(at: 0) else { return }
        let simple: [Unicode.Scalar: Unicode.Scalar] = [
            "n": "\n", "t": "\t", "r": "\r", "a": "\u{7}", "b": "\u{8}", "f": "\u{C}",
            "v": "\u{B}", "\\": "\\", "'": "'", "\"": "\"",
        ]
        if let replacement = simple[scalar] {
            advance(1)
            text.append(replacement)
        } else if scalar == "\n" {
            advance(1)
        } else if let length = ["x": 2, "u": 4, "U": 8][scalar] {
            advance(1)
            try readCode(digitCount: length, radix: 16, exactly: true, into: &text)
        } else if ("0"..."7").contains(scalar) {
            try readCode(digitCount: 3, radix: 8, exactly: false, into: &text)
        } else {
            text.append("\\")
        }
    }

    private mutating func readCode(
        digitCount: Int, radix: UInt32, exactly: Bool, into text: inout String.UnicodeScalarView
    ) throws(TemplateError) {
        var code: UInt64 = 0
        var count = 0
        while count < digitCount, let scalar = scalar(at: 0),
            let digit = Int(String(scalar), radix: Int(radix))
        {
            code = code * UInt64(radix) + UInt64(digit)
            count += 1
            advance(1)
        }
        guard !exactly || count == digitCount, let value = UInt32(exactly: code),
            let scalar = Unicode.Scalar(value)
        else { throw fail("malformed escape in a string") }
        text.append(scalar)
    }
}
