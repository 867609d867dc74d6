// SPDX-License-Identifier: Apache-2.0

extension TemplateEvaluator {
    func evaluate(_ expression: TemplateExpression) throws(TemplateError) -> TemplateValue {
        try enter()
        defer { leave() }
        try charge()
        line = expression.line
        switch expression.kind {
        case .literal(let value): return value
        case .name(let name): return variable(name)
        case .call: return try evaluateCall(expression, caller: nil)
        case .attribute(let value, let name):
            let receiver = try evaluate(value)
            line = expression.line
            return try attribute(name, of: receiver)
        case .element(let value, let index):
            let receiver = try evaluate(value)
            let key = try evaluate(index)
            line = expression.line
            return try element(key, of: receiver)
        case .and(let left, let right):
            let value = try evaluate(left)
            return value.isTrue ? try evaluate(right) : value
        case .or(let left, let right):
            let value = try evaluate(left)
            return value.isTrue ? value : try evaluate(right)
        case .not(let operand): return .bool(!(try evaluate(operand).isTrue))
        default: return try evaluateOther(expression)
        }
    }

    /// The kinds of expression that are rarer, or make something new.
    private func evaluateOther(
        _ expression: TemplateExpression
    ) throws(TemplateError) -> TemplateValue {
        switch expression.kind {
        case .list(let elements, let isTuple):
            return try list(try evaluateAll(elements), isTuple: isTuple)
        case .mapping(let entries): return try evaluateMapping(entries)
        case .slice(let value, let bounds): return try evaluateSlice(of: value, bounds)
        case .filter: return try applyFilters(expression, to: nil)
        case .test(let value, let name, let list):
            let subject = try evaluate(value)
            let arguments = try evaluate(list)
            line = expression.line
            return .bool(try test(subject, name, arguments))
        case .sign(let operand, let isNegative):
            return try signed(try evaluate(operand), isNegative: isNegative)
        case .arithmetic(let symbol, let left, let right):
            let a = try evaluate(left)
            let b = try evaluate(right)
            line = expression.line
            return try arithmetic(symbol, a, b)
        case .concatenation(let parts):
            var result = ""
            for part in parts {
                let text = try text(of: try evaluate(part))
                try reserveText(saturatingSum(result.utf8.count, text.utf8.count))
                result += text
            }
            return .string(result)
        case .comparison(let left, let links): return try evaluateComparison(left, links)
        case .conditional(let then, let condition, let otherwise):
            if try evaluate(condition).isTrue { return try evaluate(then) }
            guard let otherwise else {
                return .undefined("the 'if' expression has no 'else' and its condition is false")
            }
            return try evaluate(otherwise)
        default:
            preconditionFailure("evaluate(_:) handles the other kinds")
        }
    }

    func evaluateAll(
        _ expressions: [TemplateExpression]
    ) throws(TemplateError) -> [TemplateValue] {
        var values: [TemplateValue] = []
        for expression in expressions { values.append(try evaluate(expression)) }
        return values
    }

    private func variable(_ name: String) -> TemplateValue {
        if let value = scope.value(name) { return value }
        if let function = TemplateFunction(rawValue: name),
            function != .strftimeNow || date != nil
        {
            return .callable(.function(function))
        }
        return .undefined("'\(name)' is undefined")
    }

    private func evaluateMapping(
        _ entries: [(key: TemplateExpression, value: TemplateExpression)]
    ) throws(TemplateError) -> TemplateValue {
        var mapping = TemplateMapping()
        for entry in entries {
            let key = try evaluate(entry.key)
            try charge(key.weight)
            guard mapping.insert(try evaluate(entry.value), key: key) else {
                throw fail("a value of type '\(key.typeName)' cannot be a key")
            }
        }
        return try checked(.mapping(mapping))
    }

    // MARK: - Comparison

    private func evaluateComparison(
        _ first: TemplateExpression, _ links: [(TemplateComparison, TemplateExpression)]
    ) throws(TemplateError) -> TemplateValue {
        let line = line
        var left = try evaluate(first)
        for (comparison, expression) in links {
            let right = try evaluate(expression)
            self.line = line
            guard try compare(left, comparison, right) else { return .bool(false) }
            left = right
        }
        return .bool(true)
    }

    func compare(
        _ left: TemplateValue, _ comparison: TemplateComparison, _ right: TemplateValue
    ) throws(TemplateError) -> Bool {
        switch comparison {
        case .equal: return try isEqual(left, right)
        case .notEqual: return !(try isEqual(left, right))
        case .less: return try precedes(left, right)
        case .greater: return try precedes(right, left)
        case .lessOrEqual:
            if try precedes(left, right) { return true }
            return try isEqual(left, right)
        case .greaterOrEqual:
            if try precedes(right, left) { return true }
            return try isEqual(left, right)
        case .isIn: return try contains(right, left)
        case .isNotIn: return !(try contains(right, left))
        }
    }

    func isEqual(_ left: TemplateValue, _ right: TemplateValue) throws(TemplateError) -> Bool {
        try charge(min(left.weight, right.weight))
        return left == right
    }

    func precedes(_ left: TemplateValue, _ right: TemplateValue) throws(TemplateError) -> Bool {
        try checkDefined(left)
        try checkDefined(right)
        try charge(min(left.weight, right.weight))
        guard let answer = left.precedes(right) else {
            throw fail(
                "values of types '\(left.typeName)' and '\(right.typeName)' have no order")
        }
        return answer
    }

    func contains(
        _ container: TemplateValue, _ value: TemplateValue
    ) throws(TemplateError) -> Bool {
        try charge(container.weight)
        switch container {
        case .string(let text):
            guard case .string(let part) = value else {
                try checkDefined(value)
                throw fail("'in' a text needs a text, not a value of type '\(value.typeName)'")
            }
            return part.isEmpty || !text.occurrences(of: part, countMax: 1).isEmpty
        case .mapping(let mapping):
            try charge(value.weight)
            return mapping.value(for: value) != nil
        case .sequence(let list):
            return list.elements.contains(value)
        case .undefined: return false
        default: throw fail("a value of type '\(container.typeName)' contains nothing")
        }
    }

    /// Python code that does anything with Jinja's undefined value raises what this throws.
    func checkDefined(_ value: TemplateValue) throws(TemplateError) {
        if case .undefined(let reason) = value { throw fail(reason) }
    }
}
