// SPDX-License-Identifier: Apache-2.0

extension TemplateEvaluator {
    func signed(
        _ value: TemplateValue, isNegative: Bool
    ) throws(TemplateError) -> TemplateValue {
        try checkDefined(value)
        switch value.number {
        case .int(let number)?:
            guard isNegative else { return .int(number) }
            return try integer(0.subtractingReportingOverflow(number))
        case .double(let number)?: return .double(isNegative ? -number : number)
        case nil: throw fail("a value of type '\(value.typeName)' has no sign")
        }
    }

    /// Python's integers have no bounds; ours have 64 bits, and more is an error.
    private func integer(
        _ result: (partialValue: Int, overflow: Bool)
    ) throws(TemplateError) -> TemplateValue {
        guard !result.overflow else { throw fail("an integer has more than 64 bits") }
        return .int(result.partialValue)
    }

    func arithmetic(
        _ symbol: TemplateSymbol, _ left: TemplateValue, _ right: TemplateValue
    ) throws(TemplateError) -> TemplateValue {
        try checkDefined(left)
        try checkDefined(right)
        if let a = left.number, let b = right.number {
            if symbol != .divide, case .int(let x) = a, case .int(let y) = b {
                return try integerArithmetic(symbol, x, y)
            }
            return .double(try doubleArithmetic(symbol, a.double, b.double))
        }
        switch (symbol, left, right) {
        case (.add, .string(let a), .string(let b)):
            try reserveText(saturatingSum(a.utf8.count, b.utf8.count))
            return .string(a + b)
        case (.add, .sequence(let a), .sequence(let b)) where a.isTuple == b.isTuple:
            return try list(a.elements + b.elements, isTuple: a.isTuple)
        case (.modulo, .string(let format), _):
            return try string(try formatted(format, values: right))
        case (.multiply, _, _):
            if let count = right.integer { return try repeated(left, count: count) }
            if let count = left.integer { return try repeated(right, count: count) }
        default: break
        }
        throw fail(
            "'\(symbol.rawValue)' does not work on values of types '\(left.typeName)' and "
                + "'\(right.typeName)'")
    }

    private func repeated(
        _ value: TemplateValue, count: Int
    ) throws(TemplateError) -> TemplateValue {
        let count = max(count, 0)
        switch value {
        case .string(let text):
            let (byteCount, overflow) = text.utf8.count.multipliedReportingOverflow(by: count)
            try reserveText(overflow ? nil : byteCount)
            return .string(text.isEmpty ? "" : String(repeating: text, count: count))
        case .sequence(let sequence):
            let (total, overflow) = sequence.elements.count.multipliedReportingOverflow(by: count)
            let limit = TemplateLimits.valueElementCountMax
            guard !overflow, total <= limit else {
                throw .limitExceeded(line: line, what: "elements", limit: limit)
            }
            if sequence.elements.isEmpty { return value }
            let elements = (0..<count).flatMap { _ in sequence.elements }
            return try list(elements, isTuple: sequence.isTuple)
        default:
            throw fail("a value of type '\(value.typeName)' cannot be repeated")
        }
    }

    private func integerArithmetic(
        _ symbol: TemplateSymbol, _ a: Int, _ b: Int
    ) throws(TemplateError) -> TemplateValue {
        switch symbol {
        case .add: return try integer(a.addingReportingOverflow(b))
        case .subtract: return try integer(a.subtractingReportingOverflow(b))
        case .multiply: return try integer(a.multipliedReportingOverflow(by: b))
        case .floorDivide, .modulo:
            guard b != 0 else { throw fail("division by zero") }
            if b == -1 {
                return symbol == .modulo ? .int(0) : try integer(0.subtractingReportingOverflow(a))
            }
            let (quotient, remainder) = a.quotientAndRemainder(dividingBy: b)
            let isRoundedUp = remainder != 0 && (remainder < 0) != (b < 0)
            if symbol == .modulo { return .int(isRoundedUp ? remainder + b : remainder) }
            return .int(isRoundedUp ? quotient - 1 : quotient)
        default:
            guard b >= 0 else { return .double(try power(Double(a), Double(b))) }
            return try integerPower(a, b)
        }
    }

    private func integerPower(_ base: Int, _ exponent: Int) throws(TemplateError) -> TemplateValue {
        if base == 1 || base == 0 || base == -1 {
            return .int(exponent == 0 ? 1 : exponent % 2 == 0 ? base * base : base)
        }
        var result = 1
        for _ in 0..<min(exponent, 64) {
            let product = result.multipliedReportingOverflow(by: base)
            guard !product.overflow else { throw fail("an integer has more than 64 bits") }
            result = product.partialValue
        }
        return .int(result)
    }

    private func doubleArithmetic(
        _ symbol: TemplateSymbol, _ a: Double, _ b: Double
    ) throws(TemplateError) -> Double {
        switch symbol {
        case .add: return a + b
        case .subtract: return a - b
        case .multiply: return a * b
        case .power: return try power(a, b)
        default: break
        }
        guard b != 0 else { throw fail("division by zero") }
        if symbol == .divide { return a / b }
        var remainder = a.truncatingRemainder(dividingBy: b)
        if remainder != 0, (remainder < 0) != (b < 0) { remainder += b }
        if symbol == .modulo { return remainder }
        return ((a - remainder) / b).rounded()
    }

    /// Whole exponents and square roots: no template needs more.
    private func power(_ base: Double, _ exponent: Double) throws(TemplateError) -> Double {
        if exponent == 0.5, base >= 0 { return base.squareRoot() }
        guard var rest = Int(exactly: exponent.magnitude) else {
            throw fail("'**' works with whole exponents only")
        }
        if base == 0, exponent < 0 { throw fail("division by zero") }
        var result = 1.0
        var square = base
        while rest > 0 {
            if rest & 1 == 1 { result *= square }
            square *= square
            rest >>= 1
        }
        return exponent < 0 ? 1 / result : result
    }
}
