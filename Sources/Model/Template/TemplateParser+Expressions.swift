// SPDX-License-Identifier: Apache-2.0

/// Expressions, from the weakest operator to the strongest.
extension TemplateParser {
    /// One expression, or a tuple of several with commas between them.
    mutating func parseTuple(
        withConditional: Bool = true
    ) throws(TemplateError) -> TemplateExpression {
        let line = line
        var elements: [TemplateExpression] = []
        var isTuple = false
        while !isTupleEnd {
            elements.append(
                withConditional ? try parseExpression() : try parseOr())
            guard take(.comma) else { break }
            isTuple = true
        }
        if !isTuple {
            guard let only = elements.first else {
                throw fail("expected an expression, found \(current.description)")
            }
            return only
        }
        return try node(line, .list(elements, isTuple: true))
    }

    private var isTupleEnd: Bool {
        switch current.kind {
        case .outputEnd, .statementEnd, .symbol(.rightParenthesis): true
        default: false
        }
    }

    mutating func parseExpression() throws(TemplateError) -> TemplateExpression {
        try enter()
        defer { leave() }
        var value = try parseOr()
        while isName("if") {
            let line = line
            advance()
            conditionalDepth += 1
            defer { conditionalDepth -= 1 }
            let condition = try parseOr()
            let otherwise = take(name: "else") ? try parseExpression() : nil
            value = try node(
                line, .conditional(then: value, condition: condition, otherwise: otherwise))
        }
        return value
    }

    private mutating func parseOr() throws(TemplateError) -> TemplateExpression {
        var left = try parseAnd()
        while isName("or") {
            let line = line
            advance()
            left = try node(line, .or(left, try parseAnd()))
        }
        return left
    }

    private mutating func parseAnd() throws(TemplateError) -> TemplateExpression {
        var left = try parseNot()
        while isName("and") {
            let line = line
            advance()
            left = try node(line, .and(left, try parseNot()))
        }
        return left
    }

    private mutating func parseNot() throws(TemplateError) -> TemplateExpression {
        guard isName("not"), next.kind != .name("in") else { return try parseComparison() }
        let line = line
        advance()
        try enter()
        defer { leave() }
        return try node(line, .not(try parseNot()))
    }

    private mutating func parseComparison() throws(TemplateError) -> TemplateExpression {
        let line = line
        let left = try parseSum()
        var links: [(TemplateComparison, TemplateExpression)] = []
        while let comparison = takeComparison() {
            links.append((comparison, try parseSum()))
        }
        return links.isEmpty ? left : try node(line, .comparison(left, links))
    }

    private mutating func takeComparison() -> TemplateComparison? {
        let comparison: TemplateComparison
        switch current.kind {
        case .symbol(.equal): comparison = .equal
        case .symbol(.notEqual): comparison = .notEqual
        case .symbol(.less): comparison = .less
        case .symbol(.lessOrEqual): comparison = .lessOrEqual
        case .symbol(.greater): comparison = .greater
        case .symbol(.greaterOrEqual): comparison = .greaterOrEqual
        case .name("in"): comparison = .isIn
        case .name("not") where next.kind == .name("in"):
            advance()
            comparison = .isNotIn
        default: return nil
        }
        advance()
        return comparison
    }

    /// `+` and `-` bind weaker than `~` in Jinja.
    private mutating func parseSum() throws(TemplateError) -> TemplateExpression {
        var left = try parseConcatenation()
        while let symbol = takeSymbol(among: [.add, .subtract]) {
            let line = line
            left = try node(line, .arithmetic(symbol, left, try parseConcatenation()))
        }
        return left
    }

    private mutating func parseConcatenation() throws(TemplateError) -> TemplateExpression {
        let line = line
        var parts = [try parseProduct()]
        while take(.tilde) { parts.append(try parseProduct()) }
        return parts.count == 1 ? parts[0] : try node(line, .concatenation(parts))
    }

    private mutating func parseProduct() throws(TemplateError) -> TemplateExpression {
        var left = try parsePower()
        while let symbol = takeSymbol(among: [.multiply, .divide, .floorDivide, .modulo]) {
            let line = line
            left = try node(line, .arithmetic(symbol, left, try parsePower()))
        }
        return left
    }

    /// Jinja's `**` groups from the left and binds weaker than a sign.
    private mutating func parsePower() throws(TemplateError) -> TemplateExpression {
        var left = try parseSigned(withFilters: true)
        while let symbol = takeSymbol(among: [.power]) {
            let line = line
            left = try node(line, .arithmetic(symbol, left, try parseSigned(withFilters: true)))
        }
        return left
    }

    private mutating func takeSymbol(among symbols: [TemplateSymbol]) -> TemplateSymbol? {
        guard case .symbol(let symbol) = current.kind, symbols.contains(symbol) else { return nil }
        advance()
        return symbol
    }

    private mutating func parseSigned(
        withFilters: Bool
    ) throws(TemplateError) -> TemplateExpression {
        let line = line
        var value: TemplateExpression
        if let symbol = takeSymbol(among: [.add, .subtract]) {
            try enter()
            defer { leave() }
            let operand = try parseSigned(withFilters: false)
            value = try node(line, .sign(operand, isNegative: symbol == .subtract))
        } else {
            value = try parsePrimary()
        }
        value = try parsePostfix(of: value)
        return withFilters ? try parseFiltersAndTests(of: value) : value
    }
}
