// SPDX-License-Identifier: Apache-2.0

/// A parsed expression.
struct TemplateExpression: Sendable {
    let line: Int
    let kind: Kind
    /// Levels of expressions in this one, itself included.
    let height: Int

    init(line: Int, kind: Kind) {
        self.line = line
        self.kind = kind
        height = 1 + (kind.children.map(\.height).max() ?? 0)
    }

    indirect enum Kind: Sendable {
        case literal(TemplateValue)
        case name(String)
        case list([TemplateExpression], isTuple: Bool)
        case mapping([(key: TemplateExpression, value: TemplateExpression)])
        case attribute(TemplateExpression, String)
        case element(TemplateExpression, TemplateExpression)
        case slice(TemplateExpression, TemplateSlice)
        case call(TemplateExpression, TemplateArgumentList)
        /// Nil stands for the text of a `filter` or `set` block.
        case filter(TemplateExpression?, String, TemplateArgumentList)
        case test(TemplateExpression, String, TemplateArgumentList)
        case not(TemplateExpression)
        case and(TemplateExpression, TemplateExpression)
        case or(TemplateExpression, TemplateExpression)
        case sign(TemplateExpression, isNegative: Bool)
        case arithmetic(TemplateSymbol, TemplateExpression, TemplateExpression)
        case concatenation([TemplateExpression])
        case comparison(TemplateExpression, [(TemplateComparison, TemplateExpression)])
        case conditional(
            then: TemplateExpression, condition: TemplateExpression,
            otherwise: TemplateExpression?)

        var children: [TemplateExpression] {
            switch self {
            case .literal, .name: []
            case .list(let elements, _), .concatenation(let elements): elements
            case .mapping(let entries): entries.flatMap { [$0.key, $0.value] }
            case .attribute(let value, _), .not(let value), .sign(let value, _): [value]
            case .element(let a, let b), .and(let a, let b), .or(let a, let b),
                .arithmetic(_, let a, let b):
                [a, b]
            case .slice(let value, let slice):
                [value] + [slice.start, slice.stop, slice.step].compactMap(\.self)
            case .call(let value, let arguments), .test(let value, _, let arguments):
                [value] + arguments.expressions
            case .filter(let value, _, let arguments):
                (value.map { [$0] } ?? []) + arguments.expressions
            case .comparison(let value, let links): [value] + links.map(\.1)
            case .conditional(let then, let condition, let otherwise):
                [then, condition] + (otherwise.map { [$0] } ?? [])
            }
        }
    }
}

struct TemplateSlice: Sendable {
    var start: TemplateExpression?
    var stop: TemplateExpression?
    var step: TemplateExpression?
}

/// The arguments of a call, a filter or a test as written.
struct TemplateArgumentList: Sendable {
    var positional: [TemplateExpression] = []
    var named: [(name: String, value: TemplateExpression)] = []

    var expressions: [TemplateExpression] { positional + named.map(\.value) }
}

enum TemplateComparison: Sendable {
    case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual, isIn, isNotIn
}

/// What a value is assigned to.
indirect enum TemplateTarget: Sendable {
    case name(String)
    case attribute(namespace: String, String)
    case tuple([TemplateTarget])
}

/// A parsed statement.
struct TemplateStatement: Sendable {
    let line: Int
    let kind: Kind

    indirect enum Kind: Sendable {
        case text(String)
        case output(TemplateExpression)
        case conditional([TemplateBranch], otherwise: [TemplateStatement])
        case loop(TemplateLoopSyntax)
        case set(TemplateTarget, TemplateExpression)
        /// The filters, if any, end in a `filter(nil, …)` that stands for the block's text.
        case setBlock(TemplateTarget, filters: TemplateExpression?, [TemplateStatement])
        case macro(String, TemplateMacroSyntax)
        /// A call of a macro, to which the block is passed as `caller`.
        case callBlock(TemplateExpression, TemplateMacroSyntax)
        case filterBlock(TemplateExpression, [TemplateStatement])
        case with([(TemplateTarget, TemplateExpression)], [TemplateStatement])
        case breakLoop
        case continueLoop
    }
}

struct TemplateBranch: Sendable {
    let condition: TemplateExpression
    let body: [TemplateStatement]
}

struct TemplateLoopSyntax: Sendable {
    let target: TemplateTarget
    let elements: TemplateExpression
    let condition: TemplateExpression?
    let body: [TemplateStatement]
    let otherwise: [TemplateStatement]
}

struct TemplateMacroSyntax: Sendable {
    let name: String
    let parameters: [(name: String, standard: TemplateExpression?)]
    let body: [TemplateStatement]
}
