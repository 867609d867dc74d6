// SPDX-License-Identifier: Apache-2.0

extension TemplateParser {
    /// Parses the statement that `name`, already consumed, begins, through its last tag.
    mutating func parseStatement(
        _ name: String, line: Int
    ) throws(TemplateError) -> [TemplateStatement.Kind] {
        switch name {
        case "if": return [try parseConditional()]
        case "for": return [try parseLoop()]
        case "set": return [try parseSet()]
        case "macro": return [try parseMacro()]
        case "call": return [try parseCallBlock()]
        case "filter": return [try parseFilterBlock()]
        case "with": return [try parseWith()]
        case "generation": return try parseGeneration()
        case "break", "continue":
            guard loopDepth > 0 else {
                throw .syntax(line: line, reason: "'\(name)' stands outside a loop")
            }
            try expect(.statementEnd)
            return [name == "break" ? .breakLoop : .continueLoop]
        default:
            throw .syntax(line: line, reason: "unknown or misplaced statement '\(name)'")
        }
    }

    private mutating func parseConditional() throws(TemplateError) -> TemplateStatement.Kind {
        conditionalDepth += 1
        defer { conditionalDepth -= 1 }
        var branches: [TemplateBranch] = []
        var otherwise: [TemplateStatement] = []
        var end = "elif"
        while end == "elif" {
            let condition = try parseTuple(withConditional: false)
            try expect(.statementEnd)
            let part = try parseBody(until: ["elif", "else", "endif"])
            branches.append(TemplateBranch(condition: condition, body: part.body))
            end = part.end
        }
        if end == "else" {
            try expect(.statementEnd)
            otherwise = try parseBody(until: ["endif"]).body
        }
        try expect(.statementEnd)
        return .conditional(branches, otherwise: otherwise)
    }

    private mutating func parseLoop() throws(TemplateError) -> TemplateStatement.Kind {
        let target = try parseTarget(allowsAttribute: false)
        guard take(name: "in") else { throw fail("expected 'in', found \(current.description)") }
        let elements = try parseTuple(withConditional: false)
        let condition = take(name: "if") ? try parseExpression() : nil
        if isName("recursive") { throw fail("recursive loops are not supported") }
        try expect(.statementEnd)
        loopDepth += 1
        let part = try parseBody(until: ["else", "endfor"])
        loopDepth -= 1
        var otherwise: [TemplateStatement] = []
        if part.end == "else" {
            try expect(.statementEnd)
            otherwise = try parseBody(until: ["endfor"]).body
        }
        try expect(.statementEnd)
        return .loop(
            TemplateLoopSyntax(
                target: target, elements: elements, condition: condition, body: part.body,
                otherwise: otherwise))
    }

    private mutating func parseSet() throws(TemplateError) -> TemplateStatement.Kind {
        let target = try parseTarget(allowsAttribute: true)
        if take(.assign) {
            let value = try parseTuple()
            try expect(.statementEnd)
            return .set(target, value)
        }
        let filters = isSymbol(.pipe) ? try parseFilters(of: nil) : nil
        try expect(.statementEnd)
        let body = try parseBody(until: ["endset"]).body
        try expect(.statementEnd)
        return .setBlock(target, filters: filters, body)
    }

    private mutating func parseMacro() throws(TemplateError) -> TemplateStatement.Kind {
        let name = try expectName()
        let parameters = try parseParameters()
        try expect(.statementEnd)
        let body = try parseMacroBody(end: "endmacro")
        return .macro(name, TemplateMacroSyntax(name: name, parameters: parameters, body: body))
    }

    private mutating func parseCallBlock() throws(TemplateError) -> TemplateStatement.Kind {
        let parameters = isSymbol(.leftParenthesis) ? try parseParameters() : []
        let call = try parseExpression()
        guard case .call = call.kind else { throw fail("expected a call after 'call'") }
        try expect(.statementEnd)
        let body = try parseMacroBody(end: "endcall")
        return .callBlock(
            call, TemplateMacroSyntax(name: "caller", parameters: parameters, body: body))
    }

    /// A loop around a macro is none for the macro's body.
    private mutating func parseMacroBody(
        end: String
    ) throws(TemplateError) -> [TemplateStatement] {
        let outer = loopDepth
        loopDepth = 0
        let body = try parseBody(until: [end]).body
        loopDepth = outer
        try expect(.statementEnd)
        return body
    }

    private mutating func parseParameters() throws(TemplateError)
        -> [(name: String, standard: TemplateExpression?)]
    {
        var parameters: [(name: String, standard: TemplateExpression?)] = []
        try expect(.symbol(.leftParenthesis))
        while !isSymbol(.rightParenthesis) {
            if !parameters.isEmpty { try expect(.symbol(.comma)) }
            if isSymbol(.rightParenthesis) { break }
            let name = try expectName()
            let standard = take(.assign) ? try parseExpression() : nil
            if standard == nil, parameters.last?.standard != nil {
                throw fail("parameter '\(name)' needs a default, as the one before it has")
            }
            parameters.append((name, standard))
        }
        advance()
        return parameters
    }

    private mutating func parseFilterBlock() throws(TemplateError) -> TemplateStatement.Kind {
        let filters = try parseFilters(of: nil, beginsWithName: true)
        try expect(.statementEnd)
        let body = try parseBody(until: ["endfilter"]).body
        try expect(.statementEnd)
        return .filterBlock(filters, body)
    }

    private mutating func parseWith() throws(TemplateError) -> TemplateStatement.Kind {
        var assignments: [(TemplateTarget, TemplateExpression)] = []
        while current.kind != .statementEnd {
            if !assignments.isEmpty { try expect(.symbol(.comma)) }
            let target = try parseTarget(allowsAttribute: false)
            try expect(.symbol(.assign))
            assignments.append((target, try parseExpression()))
        }
        advance()
        let body = try parseBody(until: ["endwith"]).body
        try expect(.statementEnd)
        return .with(assignments, body)
    }

    /// transformers marks what the assistant says this way to train on it; for rendering, the
    /// block is a scope of its own.
    private mutating func parseGeneration() throws(TemplateError) -> [TemplateStatement.Kind] {
        try expect(.statementEnd)
        let outer = loopDepth
        loopDepth = 0
        let body = try parseBody(until: ["endgeneration"]).body
        loopDepth = outer
        try expect(.statementEnd)
        return [.with([], body)]
    }

    // MARK: - Targets

    private mutating func parseTarget(
        allowsAttribute: Bool
    ) throws(TemplateError) -> TemplateTarget {
        var targets: [TemplateTarget] = []
        var isTuple = false
        repeat {
            if isTuple, isTargetEnd { break }
            targets.append(try parseSingleTarget(allowsAttribute: allowsAttribute))
            if isSymbol(.comma), !isTuple { isTuple = true }
        } while take(.comma)
        return isTuple ? .tuple(targets) : targets[0]
    }

    private var isTargetEnd: Bool {
        isSymbol(.assign) || isName("in") || isSymbol(.rightParenthesis)
    }

    private mutating func parseSingleTarget(
        allowsAttribute: Bool
    ) throws(TemplateError) -> TemplateTarget {
        if take(.leftParenthesis) {
            try enter()
            let target = try parseTarget(allowsAttribute: allowsAttribute)
            leave()
            try expect(.symbol(.rightParenthesis))
            return target
        }
        let name = try expectName()
        if ["true", "false", "none", "True", "False", "None"].contains(name) {
            throw fail("cannot assign to '\(name)'")
        }
        guard allowsAttribute, take(.dot) else { return .name(name) }
        return .attribute(namespace: name, try expectName())
    }
}
