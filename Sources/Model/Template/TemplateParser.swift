// SPDX-License-Identifier: Apache-2.0

/// Builds a template's statements from its tokens, by recursive descent.
struct TemplateParser {
    private let tokens: [TemplateToken]
    private var index = 0
    private var depth = 0
    var loopDepth = 0
    /// Filters and tests inside a conditional need not be known until they are used.
    var conditionalDepth = 0

    init(tokens: [TemplateToken]) { self.tokens = tokens }

    static func statements(of source: String) throws(TemplateError) -> [TemplateStatement] {
        var parser = TemplateParser(tokens: try TemplateLexer.tokens(of: source))
        return try parser.parseBody(until: []).body
    }

    // MARK: - Tokens

    /// The lexer ends every list of tokens with `.end`, which is never consumed.
    var current: TemplateToken { tokens[index] }
    var line: Int { current.line }

    var next: TemplateToken { tokens[min(index + 1, tokens.count - 1)] }

    mutating func advance() { if index + 1 < tokens.count { index += 1 } }

    func isSymbol(_ symbol: TemplateSymbol) -> Bool { current.kind == .symbol(symbol) }
    func isName(_ name: String) -> Bool { current.kind == .name(name) }

    mutating func take(_ symbol: TemplateSymbol) -> Bool {
        guard isSymbol(symbol) else { return false }
        advance()
        return true
    }

    mutating func take(name: String) -> Bool {
        guard isName(name) else { return false }
        advance()
        return true
    }

    mutating func expect(_ kind: TemplateToken.Kind) throws(TemplateError) {
        guard current.kind == kind else {
            let wanted = TemplateToken(kind: kind, line: line).description
            throw fail("expected \(wanted), found \(current.description)")
        }
        advance()
    }

    mutating func expectName() throws(TemplateError) -> String {
        guard case .name(let name) = current.kind else {
            throw fail("expected a name, found \(current.description)")
        }
        advance()
        return name
    }

    func fail(_ reason: String) -> TemplateError { .syntax(line: line, reason: reason) }

    /// Enters one level of nesting; pair with `leave`.
    mutating func enter() throws(TemplateError) {
        depth += 1
        try checkDepth(depth)
    }

    mutating func leave() { depth -= 1 }

    private func checkDepth(_ depth: Int) throws(TemplateError) {
        guard depth <= TemplateLimits.syntaxDepthMax else {
            throw .limitExceeded(
                line: line, what: "levels of nesting", limit: TemplateLimits.syntaxDepthMax)
        }
    }

    /// An expression. Chains of operators make trees as deep as they are long, so the height of
    /// every tree is checked, not just the brackets around it.
    func node(
        _ line: Int, _ kind: TemplateExpression.Kind
    ) throws(TemplateError) -> TemplateExpression {
        let expression = TemplateExpression(line: line, kind: kind)
        try checkDepth(expression.height)
        return expression
    }

    // MARK: - Bodies

    /// Statements up to one whose name is in `ends`, which is consumed but for its tail, or to the
    /// end of the template if `ends` is empty.
    mutating func parseBody(
        until ends: Set<String>
    ) throws(TemplateError) -> (body: [TemplateStatement], end: String) {
        try enter()
        var body: [TemplateStatement] = []
        let startLine = line
        while true {
            let line = line
            switch current.kind {
            case .text(let text):
                advance()
                body.append(TemplateStatement(line: line, kind: .text(text)))
            case .outputBegin:
                advance()
                let expression = try parseTuple()
                try expect(.outputEnd)
                body.append(TemplateStatement(line: line, kind: .output(expression)))
            case .statementBegin:
                advance()
                let name = try expectName()
                if ends.contains(name) {
                    leave()
                    return (body, name)
                }
                let kinds = try parseStatement(name, line: line)
                body += kinds.map { TemplateStatement(line: line, kind: $0) }
            case .end where ends.isEmpty:
                leave()
                return (body, "")
            default:
                let wanted = ends.sorted().map { "'\($0)'" }.joined(separator: " or ")
                throw .syntax(
                    line: startLine, reason: "this block has no end; add a tag \(wanted)")
            }
        }
    }
}
