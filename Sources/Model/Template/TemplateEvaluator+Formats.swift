// SPDX-License-Identifier: Apache-2.0

/// Python's two ways to fill values into a format.
extension TemplateEvaluator {
    /// `format % values`: `%s %r %d %i %f %x %X %o %c %%` with flags, width and precision.
    func formatted(
        _ format: String, values: TemplateValue
    ) throws(TemplateError) -> String {
        try charge(format.utf8.count / 16)
        var rest: [TemplateValue] = [values]
        if case .sequence(let list) = values, list.isTuple { rest = list.elements }
        var remaining = rest[...]
        var result = ""
        var scalars = format.unicodeScalars[...]
        while let scalar = scalars.popFirst() {
            guard scalar == "%" else {
                result.unicodeScalars.append(scalar)
                continue
            }
            let field = try PercentField(&scalars, fail: fail("malformed format"))
            if field.conversion == "%" {
                result += "%"
                continue
            }
            let value: TemplateValue
            if let key = field.key {
                value = try element(.string(key), of: values)
            } else {
                guard let next = remaining.popFirst() else {
                    throw fail("the format asks for more values")
                }
                value = next
            }
            let part = try fill(field, value)
            try reserveText(saturatingSum(result.utf8.count, part.utf8.count))
            result += part
        }
        return result
    }

    private func fill(
        _ field: PercentField, _ value: TemplateValue
    ) throws(TemplateError) -> String {
        var text: String
        switch field.conversion {
        case "s", "c": text = String(scalars: try self.text(of: value).unicodeScalars)
        case "r":
            try charge(value.weight)
            text = value.representation
        case "d", "i", "u", "x", "X", "o":
            let radix =
                field.conversion == "o"
                ? 8 : "xX".unicodeScalars.contains(field.conversion) ? 16 : 10
            let number = try wholeNumber(value)
            text = String(number, radix: radix, uppercase: field.conversion == "X")
        case "f", "F":
            guard let number = value.number?.double else { throw fail("'%f' needs a number") }
            text = number.fixed(fractionDigitCount: min(field.precision ?? 6, 100))
        default: throw fail("unknown conversion '%\(field.conversion)'")
        }
        if field.isNumeric, field.showsPlus, !text.hasPrefix("-") { text = "+" + text }
        if !field.isNumeric, let precision = field.precision {
            text = String(scalars: text.unicodeScalars.prefix(precision))
        }
        let missing = max(0, field.width - text.unicodeScalars.count)
        try reserveText(saturatingSum(text.utf8.count, missing))
        if field.isLeft { return text + String(repeating: " ", count: missing) }
        guard field.isZeroPadded, field.isNumeric else {
            return String(repeating: " ", count: missing) + text
        }
        let sign = text.hasPrefix("-") || text.hasPrefix("+") ? String(text.prefix(1)) : ""
        return sign + String(repeating: "0", count: missing) + text.dropFirst(sign.count)
    }

    private func wholeNumber(_ value: TemplateValue) throws(TemplateError) -> Int {
        switch value.number {
        case .int(let number)?: return number
        case .double(let number)?:
            guard let whole = Int(exactly: number.rounded(.towardZero)) else {
                throw fail("an integer has more than 64 bits")
            }
            return whole
        case nil: throw fail("'%d' needs a number")
        }
    }

    /// `format.format(values)`: `{}`, `{0}`, `{name}`, `{{` and `}}`, no format specifications.
    func formatted(
        _ format: String, _ arguments: TemplateArguments
    ) throws(TemplateError) -> String {
        var result = ""
        var nextIndex = 0
        var scalars = format.unicodeScalars[...]
        while let scalar = scalars.popFirst() {
            if scalar == "{" || scalar == "}", scalars.first == scalar {
                scalars.removeFirst()
                result.unicodeScalars.append(scalar)
            } else if scalar == "{" {
                guard let end = scalars.firstIndex(of: "}") else { throw fail("'{' has no end") }
                var name = String(scalars[..<end])
                scalars = scalars[scalars.index(after: end)...]
                if name.isEmpty {
                    name = String(nextIndex)
                    nextIndex += 1
                }
                let index = Int(name)
                let value = index.map { $0 >= 0 ? arguments[$0, name] : nil } ?? arguments[name]
                guard let value else { throw fail("the format asks for '\(name)'") }
                let part = try text(of: value)
                try reserveText(saturatingSum(result.utf8.count, part.utf8.count))
                result += part
            } else if scalar == "}" {
                throw fail("'}' closes nothing in the format")
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

/// One directive of a percent format.
private struct PercentField {
    var key: String?
    var isLeft = false
    var isZeroPadded = false
    var showsPlus = false
    var width = 0
    var precision: Int?
    var conversion: Unicode.Scalar = "s"

    var isNumeric: Bool { !"srca".unicodeScalars.contains(conversion) }

    init(
        _ scalars: inout Substring.UnicodeScalarView, fail: TemplateError
    ) throws(TemplateError) {
        if scalars.first == "(" {
            guard let end = scalars.firstIndex(of: ")") else { throw fail }
            key = String(scalars[scalars.index(after: scalars.startIndex)..<end])
            scalars = scalars[scalars.index(after: end)...]
        }
        while let flag = scalars.first, "-0+ #".unicodeScalars.contains(flag) {
            isLeft = isLeft || flag == "-"
            isZeroPadded = isZeroPadded || flag == "0"
            showsPlus = showsPlus || flag == "+"
            scalars.removeFirst()
        }
        width = Self.number(&scalars) ?? 0
        if scalars.first == "." {
            scalars.removeFirst()
            precision = Self.number(&scalars) ?? 0
        }
        guard let last = scalars.popFirst() else { throw fail }
        conversion = last
    }

    /// Saturates: the limit on texts refuses what is too large.
    private static func number(_ scalars: inout Substring.UnicodeScalarView) -> Int? {
        let digits = scalars.prefix { ("0"..."9").contains($0) }
        guard !digits.isEmpty else { return nil }
        scalars = scalars[digits.endIndex...]
        return Int(String(digits)) ?? .max
    }
}

extension Double {
    /// The decimal with so many digits after the point, correctly rounded up to 2⁵³ in all.
    func fixed(fractionDigitCount count: Int) -> String {
        guard isFinite else { return TemplateValue.representation(of: self) }
        let sign = self.sign == .minus ? "-" : ""
        var whole = magnitude.rounded(.down)
        var digits: [UInt8] = []
        var fraction = magnitude - whole
        for _ in 0..<count {
            fraction *= 10
            let digit = fraction.rounded(.down)
            digits.append(UInt8(digit))
            fraction -= digit
        }
        let isOdd =
            (digits.last.map(Int.init) ?? Int(whole.truncatingRemainder(dividingBy: 2))) % 2 == 1
        if fraction > 0.5 || (fraction == 0.5 && isOdd) {
            var index = count - 1
            while index >= 0, digits[index] == 9 {
                digits[index] = 0
                index -= 1
            }
            if index >= 0 { digits[index] += 1 } else { whole += 1 }
        }
        let text = TemplateValue.wholeText(of: whole)
        guard count > 0 else { return sign + text }
        return sign + text + "." + String(decoding: digits.map { $0 + 48 }, as: UTF8.self)
    }
}

extension TemplateValue {
    /// The digits of a whole number of any size that is not negative.
    static func wholeText(of number: Double) -> String {
        if let integer = Int(exactly: number) { return String(integer) }
        let parts = representation(of: number).split(separator: "e")
        guard parts.count == 2, let exponent = Int(parts[1]) else { return String(parts[0]) }
        let digits = parts[0].filter { $0 != "." }
        return digits + String(repeating: "0", count: max(0, exponent + 1 - digits.count))
    }
}
