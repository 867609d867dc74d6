// SPDX-License-Identifier: Apache-2.0

/// Literals, brackets, and what may stand behind a value: attributes, calls, filters and tests.
extension TemplateParser {
    mutating func parsePrimary() throws(TemplateError) -> TemplateExpression {
        let line = line
        switch current.kind {
        case .name(let name):
            advance()
            return try node(line, Self.constants[name].map { .literal($0) } ?? .name(name))
        case .string:
            var text = ""
            while case .string(let part) = current.kind {
                text += part
                advance()
            }
            return try node(line, .literal(.string(text)))
        case .integer(let number):
            advance()
            return try node(line, .literal(.int(number)))
        case .double(let number):
            advance()
            return try node(line, .literal(.double(number)))
        case .symbol(.leftParenthesis):
            return try parseParenthesis()
        case .symbol(.leftBracket):
            advance()
            return try node(line, .list(try parseElements(), isTuple: false))
        case .symbol(.leftBrace):
            advance()
            return try node(line, .mapping(try parseEntries()))
        default:
            throw fail("expected an expression, found \(current.description)")
        }
    }

    private static let constants: [String: TemplateValue] = [
        "true": .bool(true), "True": .bool(true), "false": .bool(false), "False": .bool(false),
        "none": .none, "None": .none,
    ]

    private mutating func parseParenthesis() throws(TemplateError) -> TemplateExpression {
        let line = line
        advance()
        if take(.rightParenthesis) { return try node(line, .list([], isTuple: true)) }
        let value = try parseTuple()
        try expect(.symbol(.rightParenthesis))
        return value
    }

    private mutating func parseElements() throws(TemplateError) -> [TemplateExpression] {
        var elements: [TemplateExpression] = []
        while !isSymbol(.rightBracket) {
            if !elements.isEmpty { try expect(.symbol(.comma)) }
            if isSymbol(.rightBracket) { break }
            elements.append(try parseExpression())
        }
        advance()
        return elements
    }

    private mutating func parseEntries() throws(TemplateError)
        -> [(key: TemplateExpression, value: TemplateExpression)]
    {
        var entries: [(key: TemplateExpression, value: TemplateExpression)] = []
        while !isSymbol(.rightBrace) {
            if !entries.isEmpty { try expect(.symbol(.comma)) }
            if isSymbol(.rightBrace) { break }
            let key = try parseExpression()
            try expect(.symbol(.colon))
            entries.append((key, try parseExpression()))
        }
        advance()
        return entries
    }

    // MARK: - Behind a value

    mutating func parsePostfix(
        of value: TemplateExpression
    ) throws(TemplateError) -> TemplateExpression {
        var value = value
        while true {
            let line = line
            if take(.dot) {
                value = try node(line, try parseMember(of: value))
            } else if take(.leftBracket) {
                value = try node(line, try parseSubscript(of: value))
            } else if isSymbol(.leftParenthesis) {
                value = try node(line, .call(value, try parseArguments()))
            } else {
                return value
            }
        }
    }

    private mutating func parseMember(
        of value: TemplateExpression
    ) throws(TemplateError) -> TemplateExpression.Kind {
        if case .integer(let number) = current.kind {
            let index = try node(line, .literal(.int(number)))
            advance()
            return .element(value, index)
        }
        return .attribute(value, try expectName())
    }

    private mutating func parseSubscript(
        of value: TemplateExpression
    ) throws(TemplateError) -> TemplateExpression.Kind {
        let line = line
        var elements: [TemplateExpression] = []
        var isTuple = false
        while !isSymbol(.rightBracket) {
            if !elements.isEmpty {
                try expect(.symbol(.comma))
                isTuple = true
                continue
            }
            let start = isSymbol(.colon) ? nil : try parseExpression()
            if isSymbol(.colon) {
                let slice = try parseSlice(start: start)
                try expect(.symbol(.rightBracket))
                return .slice(value, slice)
            }
            if let start { elements.append(start) }
        }
        advance()
        guard let index = elements.first else { throw fail("expected an index") }
        if isTuple { throw .syntax(line: line, reason: "an index cannot be a tuple") }
        return .element(value, index)
    }

    private mutating func parseSlice(
        start: TemplateExpression?
    ) throws(TemplateError) -> TemplateSlice {
        var slice = TemplateSlice(start: start)
        advance()
        if !isSymbol(.colon), !isSymbol(.rightBracket) { slice.stop = try parseExpression() }
        if take(.colon), !isSymbol(.rightBracket) { slice.step = try parseExpression() }
        return slice
    }

    mutating func parseArguments() throws(TemplateError) -> TemplateArgumentList {
        var arguments = TemplateArgumentList()
        try expect(.symbol(.leftParenthesis))
        var isFirst = true
        while !isSymbol(.rightParenthesis) {
            if !isFirst { try expect(.symbol(.comma)) }
            isFirst = false
            if isSymbol(.rightParenthesis) { break }
            if case .name(let name) = current.kind, next.kind == .symbol(.assign) {
                advance()
                advance()
                arguments.named.append((name, try parseExpression()))
            } else if arguments.named.isEmpty {
                arguments.positional.append(try parseExpression())
            } else {
                throw fail("an argument without a name follows one with a name")
            }
        }
        advance()
        return arguments
    }

    // MARK: - Filters and tests

    mutating func parseFiltersAndTests(
        of value: TemplateExpression
    ) throws(TemplateError) -> TemplateExpression {
        var value = value
        while true {
            if isSymbol(.pipe) {
                value = try parseFilters(of: value)
            } else if isName("is") {
                value = try parseTest(of: value)
            } else if isSymbol(.leftParenthesis) {
                value = try node(line, .call(value, try parseArguments()))
            } else {
                return value
            }
        }
    }

    /// Parses `|a|b(…)`; without a value, the filters apply to a block's text.
    mutating func parseFilters(
        of value: TemplateExpression?, beginsWithName: Bool = false
    ) throws(TemplateError) -> TemplateExpression {
        var value = value
        var needsPipe = !beginsWithName
        repeat {
            let line = line
            if needsPipe { try expect(.symbol(.pipe)) }
            needsPipe = true
            let name = try expectName()
            if conditionalDepth == 0, TemplateFilter(rawValue: name) == nil {
                throw .syntax(line: line, reason: "no filter is called '\(name)'")
            }
            let hasArguments = isSymbol(.leftParenthesis)
            let arguments = hasArguments ? try parseArguments() : TemplateArgumentList()
            value = try node(line, .filter(value, name, arguments))
        } while isSymbol(.pipe)
        guard let value else { throw fail("expected a filter") }
        return value
    }

    private mutating func parseTest(
        of value: TemplateExpression
    ) throws(TemplateError) -> TemplateExpression {
        let line = line
        advance()
        let isNegated = take(name: "not")
        let name = try expectName()
        if conditionalDepth == 0, TemplateTest(name: name) == nil {
            throw .syntax(line: line, reason: "no test is called '\(name)'")
        }
        var arguments = TemplateArgumentList()
        if isSymbol(.leftParenthesis) {
            arguments = try parseArguments()
        } else if isTestArgumentStart {
            if isName("is") { throw fail("tests cannot be chained with 'is'") }
            arguments.positional = [try parsePostfix(of: try parsePrimary())]
        }
        let test = try node(line, .test(value, name, arguments))
        return isNegated ? try node(line, .not(test)) : test
    }

    private var isTestArgumentStart: Bool {
        switch current.kind {
        case .name(let name): !["else", "or", "and"].contains(name)
        case .string, .integer, .double, .symbol(.leftBracket), .symbol(.leftBrace): true
        default: false
        }
    }
}
