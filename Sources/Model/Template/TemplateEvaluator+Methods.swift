// SPDX-License-Identifier: Apache-2.0

/// The methods of texts, lists, dictionaries and loops.
extension TemplateEvaluator {
    func call(
        _ method: TemplateMethod, on receiver: TemplateValue, _ arguments: TemplateArguments
    ) throws(TemplateError) -> TemplateValue {
        try charge(saturatingSum(receiver.weight, arguments.weight))
        switch receiver {
        case .string(let text): return try call(method, onText: text, arguments)
        case .mapping(let mapping): return try call(method, onMapping: mapping, arguments)
        case .sequence(let list):
            if method == .copy { return receiver }
            guard let value = arguments.positional.first else {
                throw fail("'\(method.rawValue)' needs an argument")
            }
            if method == .count {
                return .int(list.elements.lazy.filter { $0 == value }.count)
            }
            guard let index = list.elements.firstIndex(of: value) else {
                throw fail("the value is not in the list")
            }
            return .int(index)
        case .loop(let loop): return try call(method, onLoop: loop, arguments)
        default: throw fail("'\(method.rawValue)' is no method of '\(receiver.typeName)'")
        }
    }

    private func call(
        _ method: TemplateMethod, onMapping mapping: TemplateMapping,
        _ arguments: TemplateArguments
    ) throws(TemplateError) -> TemplateValue {
        switch method {
        case .items: return try items(of: mapping)
        case .keys: return try list(mapping.entries.map(\.key))
        case .values: return try list(mapping.entries.map(\.value))
        case .get:
            guard let key = arguments.positional.first else { throw fail("'get' needs a key") }
            return mapping.value(for: key) ?? arguments[1, "default"] ?? .none
        default: return .mapping(mapping)
        }
    }

    /// Pairs of key and value, in order.
    func items(of mapping: TemplateMapping) throws(TemplateError) -> TemplateValue {
        try charge(mapping.entries.count)
        return try list(mapping.entries.map { .tuple([$0.key, $0.value]) })
    }

    private func call(
        _ method: TemplateMethod, onLoop loop: TemplateLoop, _ arguments: TemplateArguments
    ) throws(TemplateError) -> TemplateValue {
        if method == .cycle {
            let choices = arguments.positional
            guard !choices.isEmpty else { throw fail("'cycle' needs values to choose from") }
            return choices[loop.index % choices.count]
        }
        let value = try list(arguments.positional, isTuple: true)
        if let last = lastSeen[loop.id], try isEqual(last, value) { return .bool(false) }
        lastSeen[loop.id] = value
        return .bool(true)
    }

    // MARK: - Texts

    private func call(
        _ method: TemplateMethod, onText text: String, _ arguments: TemplateArguments
    ) throws(TemplateError) -> TemplateValue {
        switch method {
        case .strip, .lstrip, .rstrip:
            let characters = arguments.text(0, "chars")
            return .string(
                text.trimmed(characters, start: method != .rstrip, end: method != .lstrip))
        case .upper: return try string(text.uppercased())
        case .lower: return try string(text.lowercased())
        case .title: return try string(text.titled { !$0.properties.isAlphabetic })
        case .capitalize: return try string(text.capitalised())
        case .split, .rsplit: return try split(text, arguments, fromEnd: method == .rsplit)
        case .splitlines: return try list(text.lines().map { .string($0) })
        case .startswith, .endswith:
            return .bool(try hasAffix(text, arguments, isPrefix: method == .startswith))
        case .replace:
            let old = try textArgument(arguments, 0, "old")
            let new = try textArgument(arguments, 1, "new")
            let count = arguments.integer(2, "count") ?? -1
            return .string(try replaced(text, old, new, countMax: count))
        case .join:
            guard let parts = arguments.positional.first else { throw fail("'join' needs a list") }
            return .string(try joined(try elements(of: parts), separator: text, isStrict: true))
        case .format: return try string(try formatted(text, arguments))
        default: return try callSearch(method, on: text, arguments)
        }
    }

    private func callSearch(
        _ method: TemplateMethod, on text: String, _ arguments: TemplateArguments
    ) throws(TemplateError) -> TemplateValue {
        switch method {
        case .find, .rfind, .index, .count:
            let part = try textArgument(arguments, 0, "sub")
            return .int(try search(method, part, in: text))
        case .removeprefix, .removesuffix:
            return .string(try removed(method, try textArgument(arguments, 0, "affix"), text))
        case .partition:
            let separator = try textArgument(arguments, 0, "sep")
            let offsets = text.occurrences(of: separator, countMax: 1)
            let parts = text.parts(separatedBy: separator, at: offsets)
            return try list(
                parts.count == 2
                    ? [.string(parts[0]), .string(separator), .string(parts[1])]
                    : [.string(text), .string(""), .string("")], isTuple: true)
        case .zfill:
            let width = max(0, arguments.integer(0, "width") ?? 0)
            try reserveText(width)
            let isSigned = text.hasPrefix("-") || text.hasPrefix("+")
            let zeros = String(repeating: "0", count: max(0, width - text.unicodeScalars.count))
            return try string(
                isSigned ? String(text.prefix(1)) + zeros + text.dropFirst() : zeros + text)
        default:
            return .bool(text.satisfies(method))
        }
    }

    func textArgument(
        _ arguments: TemplateArguments, _ index: Int, _ name: String
    ) throws(TemplateError) -> String {
        guard let text = arguments.text(index, name) else {
            if let value = arguments[index, name] { try checkDefined(value) }
            throw fail("argument \(index + 1) ('\(name)') must be a text")
        }
        return text
    }

    private func search(
        _ method: TemplateMethod, _ part: String, in text: String
    ) throws(TemplateError) -> Int {
        if part.isEmpty {
            let length = text.unicodeScalars.count
            return method == .count ? length + 1 : method == .rfind ? length : 0
        }
        if method == .count { return text.occurrences(of: part).count }
        let offset =
            method == .rfind
            ? lastOccurrence(of: part, in: text) : text.occurrences(of: part, countMax: 1).first
        guard let offset else {
            if method == .index { throw fail("the text has no such part") }
            return -1
        }
        let index = text.utf8.index(text.startIndex, offsetBy: offset)
        return text.unicodeScalars.distance(from: text.startIndex, to: index)
    }

    /// Overlapping occurrences count here, so the search is for the reverse in the reverse.
    private func lastOccurrence(of part: String, in text: String) -> Int? {
        let reversed = String(scalars: text.unicodeScalars.reversed())
        let pattern = String(scalars: part.unicodeScalars.reversed())
        let first = reversed.occurrences(of: pattern, countMax: 1).first
        return first.map { text.utf8.count - $0 - part.utf8.count }
    }

    private func removed(
        _ method: TemplateMethod, _ affix: String, _ text: String
    ) throws(TemplateError) -> String {
        if method == .removeprefix, text.utf8.starts(with: affix.utf8) {
            return String(decoding: text.utf8.dropFirst(affix.utf8.count), as: UTF8.self)
        }
        if method == .removesuffix, text.utf8.reversed().starts(with: affix.utf8.reversed()) {
            return String(decoding: text.utf8.dropLast(affix.utf8.count), as: UTF8.self)
        }
        return text
    }

    private func hasAffix(
        _ text: String, _ arguments: TemplateArguments, isPrefix: Bool
    ) throws(TemplateError) -> Bool {
        var affixes = [arguments[0, "prefix"] ?? .undefined("an affix is missing")]
        if case .sequence(let list)? = affixes.first, list.isTuple { affixes = list.elements }
        for affix in affixes {
            try checkDefined(affix)
            guard case .string(let affix) = affix else { throw fail("an affix must be a text") }
            let found =
                isPrefix
                ? text.utf8.starts(with: affix.utf8)
                : text.utf8.reversed().starts(with: affix.utf8.reversed())
            if found { return true }
        }
        return false
    }

    private func split(
        _ text: String, _ arguments: TemplateArguments, fromEnd: Bool
    ) throws(TemplateError) -> TemplateValue {
        let countMax = arguments.integer(1, "maxsplit").flatMap { $0 < 0 ? nil : $0 } ?? .max
        try charge(text.utf8.count)
        guard let separator = arguments.text(0, "sep") else {
            if let value = arguments[0, "sep"], value != .none {
                throw fail("a separator must be a text")
            }
            let words = fromEnd ? lastWords(of: text, countMax) : text.words(countMax: countMax)
            return try list(words.map { .string($0) })
        }
        guard !separator.isEmpty else { throw fail("the separator is empty") }
        var offsets = text.occurrences(of: separator, countMax: fromEnd ? .max : countMax)
        if fromEnd { offsets = offsets.suffix(countMax) }
        return try list(text.parts(separatedBy: separator, at: offsets).map { .string($0) })
    }

    private func lastWords(of text: String, _ countMax: Int) -> [String] {
        let reversed = String(scalars: text.unicodeScalars.reversed())
        return reversed.words(countMax: countMax).reversed().map {
            String(scalars: $0.unicodeScalars.reversed())
        }
    }
}

extension String {
    /// The methods `isdigit`, `isalpha`, … of Python's `str`; none holds for the empty text.
    fileprivate func satisfies(_ method: TemplateMethod) -> Bool {
        let scalars = unicodeScalars
        switch method {
        case .isdigit: return !isEmpty && scalars.allSatisfy { $0.properties.numericType != nil }
        case .isalpha: return !isEmpty && scalars.allSatisfy(\.properties.isAlphabetic)
        case .isalnum:
            return !isEmpty
                && scalars.allSatisfy {
                    $0.properties.isAlphabetic || $0.properties.numericType != nil
                }
        case .isspace: return !isEmpty && scalars.allSatisfy(\.isPythonSpace)
        case .isupper:
            return scalars.contains(where: \.properties.isUppercase)
                && !scalars.contains(where: \.properties.isLowercase)
        default:
            return scalars.contains(where: \.properties.isLowercase)
                && !scalars.contains(where: \.properties.isUppercase)
        }
    }
}
