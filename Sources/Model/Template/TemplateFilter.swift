// SPDX-License-Identifier: Apache-2.0

/// What may stand behind `|`.
enum TemplateFilter: String, Sendable, CaseIterable {
    case trim, upper, lower, title, capitalize, replace, indent, escape, e, safe, string, tojson
    case format, wordcount, forceescape, center
    case length, count, join, list, first, last, items, dictsort, map, select, reject, selectattr
    case rejectattr, unique, sort, reverse, sum, min, max, batch
    case int, float, abs, round
    case `default`, d, attr

    /// Counting elements, or taking one, costs the same however much is in them.
    fileprivate func looksIntoElements(of value: TemplateValue) -> Bool {
        guard case .sequence = value else { return true }
        return ![.length, .count, .first, .last].contains(self)
    }
}

extension TemplateEvaluator {
    /// Applies a chain of filters; `blockText` is what the innermost, without a value, applies to.
    func applyFilters(
        _ expression: TemplateExpression, to blockText: TemplateValue?
    ) throws(TemplateError) -> TemplateValue {
        guard case .filter(let value, let name, let list) = expression.kind else {
            return try evaluate(expression)
        }
        let input: TemplateValue
        if let value {
            input = blockText == nil ? try evaluate(value) : try applyFilters(value, to: blockText)
        } else {
            input = blockText ?? .undefined("there is no text to filter")
        }
        let arguments = try evaluate(list)
        line = expression.line
        return try filter(input, name, arguments)
    }

    func filter(
        _ value: TemplateValue, _ name: String, _ arguments: TemplateArguments
    ) throws(TemplateError) -> TemplateValue {
        guard let filter = TemplateFilter(rawValue: name) else {
            throw fail("no filter is called '\(name)'")
        }
        try charge(filter.looksIntoElements(of: value) ? value.weight : 1)
        try charge(arguments.weight)
        switch filter {
        case .trim, .upper, .lower, .title, .capitalize, .replace, .indent, .escape, .e,
            .forceescape, .safe, .string, .format, .wordcount, .center:
            return try filterText(try text(of: value), filter, arguments)
        case .tojson:
            return try string(
                try json(
                    value,
                    TemplateArguments(
                        positional: [.bool(false)] + arguments.positional.dropFirst(),
                        named: arguments.named)))
        case .length, .count, .join, .list, .first, .last, .items, .dictsort, .reverse, .sum,
            .batch:
            return try filterList(value, filter, arguments)
        case .map, .select, .reject, .selectattr, .rejectattr:
            return try filterEach(value, filter, arguments)
        case .unique, .sort, .min, .max: return try filterOrder(value, filter, arguments)
        case .int, .float, .abs, .round: return try filterNumber(value, filter, arguments)
        case .default, .d:
            let isReplaced =
                value.isUndefined || (arguments.isTrue(1, "boolean") && !value.isTrue)
            return isReplaced ? arguments[0, "default_value"] ?? .string("") : value
        case .attr:
            return try attribute(try textArgument(arguments, 0, "name"), of: value)
        }
    }

    // MARK: - Texts

    private func filterText(
        _ text: String, _ filter: TemplateFilter, _ arguments: TemplateArguments
    ) throws(TemplateError) -> TemplateValue {
        switch filter {
        case .trim: return .string(text.trimmed(arguments.text(0, "chars")))
        case .upper: return try string(text.uppercased())
        case .lower: return try string(text.lowercased())
        case .capitalize: return try string(text.capitalised())
        case .title:
            let boundaries = Set("-([{<".unicodeScalars)
            return try string(text.titled { boundaries.contains($0) || $0.isPythonSpace })
        case .replace:
            guard let old = arguments[0, "old"], let new = arguments[1, "new"] else {
                throw fail("'replace' needs two texts")
            }
            let count = arguments.integer(2, "count") ?? -1
            return .string(
                try replaced(
                    text, try self.text(of: old), try self.text(of: new), countMax: count))
        case .indent: return .string(try indented(text, arguments))
        case .escape, .e, .forceescape: return try string(text.escapedForHTML())
        case .format:
            let values = TemplateValue.tuple(arguments.positional)
            return try string(try formatted(text, values: values))
        case .wordcount:
            let words = text.unicodeScalars.split { !($0 == "_" || $0.properties.isXIDContinue) }
            return .int(words.count)
        case .center: return try centred(text, width: arguments.integer(0, "width") ?? 80)
        default: return .string(text)
        }
    }

    private func centred(_ text: String, width: Int) throws(TemplateError) -> TemplateValue {
        let width = max(0, width)
        let missing = max(0, width - text.unicodeScalars.count)
        try reserveText(saturatingSum(text.utf8.count, missing))
        let before = missing / 2 + (missing & width & 1)
        return .string(
            String(repeating: " ", count: before) + text
                + String(repeating: " ", count: missing - before))
    }

    // MARK: - Numbers

    private func filterNumber(
        _ value: TemplateValue, _ filter: TemplateFilter, _ arguments: TemplateArguments
    ) throws(TemplateError) -> TemplateValue {
        try checkDefined(value)
        switch filter {
        case .int:
            let standard = arguments[0, "default"] ?? .int(0)
            return value.asInteger(radix: arguments.integer(1, "base") ?? 10) ?? standard
        case .float:
            let standard = arguments[0, "default"] ?? .double(0)
            return value.asDouble.map { .double($0) } ?? standard
        case .abs:
            if let number = value.integer, number >= 0 { return .int(number) }
            if case .double(let number) = value { return .double(number.magnitude) }
            return try signed(value, isNegative: true)
        default:
            guard let number = value.number else { throw fail("'round' needs a number") }
            let digits = min(max(arguments.integer(0, "precision") ?? 0, -300), 300)
            let method = arguments.text(1, "method") ?? "common"
            if case .int(let integer) = number, method == "common", digits >= 0 {
                return .int(integer)
            }
            return .double(number.double.rounded(digitCount: digits, method: method))
        }
    }
}

extension String {
    fileprivate func escapedForHTML() -> String {
        var result = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "'": result += "&#39;"
            case "\"": result += "&#34;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

extension TemplateValue {
    /// What `int(value)` or, failing that, `int(float(value))` gives in Python.
    fileprivate func asInteger(radix: Int) -> TemplateValue? {
        if let integer { return .int(integer) }
        if case .string(let text) = self, (2...36).contains(radix) {
            var digits = text.trimmed().lowercased().filter { $0 != "_" }
            let prefix = [16: "0x", 8: "0o", 2: "0b"][radix]
            if let prefix, digits.hasPrefix(prefix) { digits.removeFirst(2) }
            if let number = Int(digits, radix: radix) { return .int(number) }
        }
        guard let number = asDouble else { return nil }
        return Int(exactly: number.rounded(.towardZero)).map { .int($0) }
    }

    /// What `float(value)` gives in Python.
    fileprivate var asDouble: Double? {
        if case .string(let text) = self {
            let digits = text.trimmed().lowercased()
            return digits.hasPrefix("0x") || digits.contains("nan(")
                ? nil : Double(digits.filter { $0 != "_" })
        }
        return number?.double
    }
}

extension Double {
    /// Python's `round`, or Jinja's `ceil` and `floor`, to so many digits after the point.
    fileprivate func rounded(digitCount: Int, method: String) -> Double {
        var scale = 1.0
        for _ in 0..<digitCount.magnitude { scale *= 10 }
        let scaled = digitCount < 0 ? self / scale : self * scale
        guard scaled.isFinite, scale.isFinite else { return self }
        var whole: Double
        switch method {
        case "ceil": whole = scaled.rounded(.up)
        case "floor": whole = scaled.rounded(.down)
        default:
            whole = scaled.rounded(.toNearestOrEven)
            // The product may have been rounded to a tie that the number itself is not.
            let error = digitCount > 0 ? (-scaled).addingProduct(self, scale) : 0
            if (scaled - scaled.rounded(.down)) == 0.5, error != 0 {
                whole = error > 0 ? scaled.rounded(.up) : scaled.rounded(.down)
            }
        }
        return digitCount < 0 ? whole * scale : whole / scale
    }
}
