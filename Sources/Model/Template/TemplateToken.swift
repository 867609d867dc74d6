// SPDX-License-Identifier: Apache-2.0

/// One piece of a template's source.
struct TemplateToken: Sendable {
    let kind: Kind
    let line: Int

    enum Kind: Sendable, Equatable {
        /// Text outside tags, white space already trimmed as the tags beside it ask.
        case text(String)
        case outputBegin
        case outputEnd
        case statementBegin
        case statementEnd
        case name(String)
        case string(String)
        case integer(Int)
        case double(Double)
        case symbol(TemplateSymbol)
        case end
    }

    /// The token in words, for messages.
    var description: String {
        switch kind {
        case .text: "text"
        case .outputBegin: "'{{'"
        case .outputEnd: "'}}'"
        case .statementBegin: "'{%'"
        case .statementEnd: "'%}'"
        case .name(let name): "'\(name)'"
        case .string: "a string"
        case .integer, .double: "a number"
        case .symbol(let symbol): "'\(symbol.rawValue)'"
        case .end: "the end of the template"
        }
    }
}

/// Operators and punctuation inside tags.
enum TemplateSymbol: String, Sendable, CaseIterable {
    case floorDivide = "//"
    case power = "**"
    case equal = "=="
    case notEqual = "!="
    case greaterOrEqual = ">="
    case lessOrEqual = "<="
    case add = "+"
    case subtract = "-"
    case divide = "/"
    case multiply = "*"
    case modulo = "%"
    case tilde = "~"
    case leftBracket = "["
    case rightBracket = "]"
    case leftParenthesis = "("
    case rightParenthesis = ")"
    case leftBrace = "{"
    case rightBrace = "}"
    case greater = ">"
    case less = "<"
    case assign = "="
    case dot = "."
    case colon = ":"
    case pipe = "|"
    case comma = ","

    /// The bracket that closes this one.
    var closing: TemplateSymbol? {
        switch self {
        case .leftBracket: .rightBracket
        case .leftParenthesis: .rightParenthesis
        case .leftBrace: .rightBrace
        default: nil
        }
    }

    static let byText: [String: TemplateSymbol] = Dictionary(
        allCases.map { ($0.rawValue, $0) }, uniquingKeysWith: { first, _ in first })
}
