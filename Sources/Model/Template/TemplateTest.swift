// SPDX-License-Identifier: Apache-2.0

/// What may stand behind `is`.
enum TemplateTest: String, Sendable, CaseIterable {
    case defined, undefined, none, string, number, integer, float, boolean, mapping, iterable
    case sequence, callable, odd, even, sameas, lower, upper, filter, test, escaped
    case isTrue = "true"
    case isFalse = "false"
    case divisibleBy = "divisibleby"
    case equal = "eq"
    case notEqual = "ne"
    case less = "lt"
    case lessOrEqual = "le"
    case greater = "gt"
    case greaterOrEqual = "ge"
    case isIn = "in"

    private static let aliases: [String: TemplateTest] = [
        "equalto": .equal, "==": .equal, "!=": .notEqual, "<": .less, "lessthan": .less,
        "<=": .lessOrEqual, ">": .greater, "greaterthan": .greater, ">=": .greaterOrEqual,
    ]

    init?(name: String) {
        guard let test = TemplateTest(rawValue: name) ?? Self.aliases[name] else { return nil }
        self = test
    }
}

extension TemplateEvaluator {
    func test(
        _ value: TemplateValue, _ name: String, _ arguments: TemplateArguments
    ) throws(TemplateError) -> Bool {
        guard let test = TemplateTest(name: name) else { throw fail("no test is called '\(name)'") }
        if let answer = value.typeTest(test) { return answer }
        try charge(saturatingSum(value.weight, arguments.weight))
        switch test {
        case .odd, .even, .divisibleBy: return try testDivision(value, test, arguments)
        case .lower, .upper:
            let text = try text(of: value)
            let properties = text.unicodeScalars.lazy.map(\.properties)
            let hasWanted = properties.contains { test == .lower ? $0.isLowercase : $0.isUppercase }
            return hasWanted
                && !properties.contains { test == .lower ? $0.isUppercase : $0.isLowercase }
        case .filter: return TemplateFilter(rawValue: value.text) != nil
        case .test: return TemplateTest(name: value.text) != nil
        case .sameas: return value.isIdentical(to: try argument(arguments, name))
        default:
            return try compare(value, test.comparison, try argument(arguments, name))
        }
    }

    private func argument(
        _ arguments: TemplateArguments, _ name: String
    ) throws(TemplateError) -> TemplateValue {
        guard let value = arguments.positional.first else {
            throw fail("test '\(name)' needs an argument")
        }
        return value
    }

    private func testDivision(
        _ value: TemplateValue, _ test: TemplateTest, _ arguments: TemplateArguments
    ) throws(TemplateError) -> Bool {
        let divisor = test == .divisibleBy ? try argument(arguments, "divisibleby") : .int(2)
        let remainder = try arithmetic(.modulo, value, divisor)
        return remainder == .int(test == .odd ? 1 : 0)
    }
}

extension TemplateTest {
    fileprivate var comparison: TemplateComparison {
        switch self {
        case .notEqual: .notEqual
        case .less: .less
        case .lessOrEqual: .lessOrEqual
        case .greater: .greater
        case .greaterOrEqual: .greaterOrEqual
        case .isIn: .isIn
        default: .equal
        }
    }
}

extension TemplateValue {
    /// The answer of tests that look at the kind of value only; nil for all others.
    fileprivate func typeTest(_ test: TemplateTest) -> Bool? {
        switch (test, self) {
        case (.defined, _): !isUndefined
        case (.undefined, _): isUndefined
        case (.none, .none), (.string, .string), (.integer, .int), (.float, .double),
            (.boolean, .bool), (.mapping, .mapping), (.callable, .callable), (.isTrue, .bool(true)),
            (.isFalse, .bool(false)):
            true
        case (.number, .bool), (.number, .int), (.number, .double): true
        case (.sequence, .string), (.sequence, .sequence), (.sequence, .mapping),
            (.sequence, .undefined):
            true
        case (.iterable, .string), (.iterable, .sequence), (.iterable, .mapping),
            (.iterable, .undefined), (.iterable, .loop):
            true
        case (.none, _), (.string, _), (.integer, _), (.float, _), (.boolean, _), (.mapping, _),
            (.callable, _), (.isTrue, _), (.isFalse, _), (.number, _), (.sequence, _),
            (.iterable, _), (.escaped, _):
            false
        default: nil
        }
    }

    /// Python's `is`, as far as values can tell: texts and numbers by type and value.
    fileprivate func isIdentical(to other: TemplateValue) -> Bool {
        typeName == other.typeName && self == other
    }
}
