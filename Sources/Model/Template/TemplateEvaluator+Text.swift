// SPDX-License-Identifier: Apache-2.0

/// Making texts, with their size known before they are made.
extension TemplateEvaluator {
    /// `str.replace`; a negative `countMax` replaces all.
    func replaced(
        _ text: String, _ old: String, _ new: String, countMax: Int
    ) throws(TemplateError) -> String {
        let countMax = countMax < 0 ? Int.max : countMax
        try charge(text.utf8.count / 16)
        if old.isEmpty { return try interleaved(text, new, countMax: countMax) }
        let offsets = text.occurrences(of: old, countMax: countMax)
        let (growth, overflow) = offsets.count.multipliedReportingOverflow(by: new.utf8.count)
        try reserveText(overflow ? nil : saturatingSum(text.utf8.count, growth))
        return text.parts(separatedBy: old, at: offsets).joined(separator: new)
    }

    /// Python replaces the empty text between all characters.
    private func interleaved(
        _ text: String, _ new: String, countMax: Int
    ) throws(TemplateError) -> String {
        var result = ""
        var count = 0
        for scalar in text.unicodeScalars {
            if count < countMax {
                try write(new, to: &result)
                count += 1
            }
            result.unicodeScalars.append(scalar)
        }
        if count < countMax { try write(new, to: &result) }
        return result
    }

    private func write(_ part: String, to text: inout String) throws(TemplateError) {
        let limit = TemplateLimits.textByteCountMax
        guard text.utf8.count + part.utf8.count <= limit else {
            throw .limitExceeded(line: line, what: "bytes of text", limit: limit)
        }
        try charge(1 + part.utf8.count / 16)
        text += part
    }

    /// The texts of all elements with `separator` between; `isStrict` allows texts only.
    func joined(
        _ elements: [TemplateValue], separator: String, isStrict: Bool = false
    ) throws(TemplateError) -> String {
        var result = ""
        for (index, element) in elements.enumerated() {
            if isStrict, case .string = element {
            } else if isStrict {
                throw fail("'join' needs texts, not a value of type '\(element.typeName)'")
            }
            if index > 0 { try write(separator, to: &result) }
            try write(try text(of: element), to: &result)
        }
        return result
    }

    func indented(_ text: String, _ arguments: TemplateArguments) throws(TemplateError) -> String {
        let width = min(max(arguments.integer(0, "width") ?? 4, 0), TemplateLimits.textByteCountMax)
        try charge(width / 16)
        let indent = arguments.text(0, "width") ?? String(repeating: " ", count: width)
        let indentsFirst = arguments.isTrue(1, "first")
        let indentsBlank = arguments.isTrue(2, "blank")
        try charge(text.utf8.count / 16)
        var result = ""
        for (index, line) in (text + "\n").lines().enumerated() {
            if index > 0 { result += "\n" }
            let isIndented = index == 0 ? indentsFirst : indentsBlank || !line.isEmpty
            if isIndented { try write(indent, to: &result) }
            try write(line, to: &result)
        }
        return result
    }

    func json(
        _ value: TemplateValue, _ arguments: TemplateArguments
    ) throws(TemplateError) -> String {
        var style = TemplateJSONStyle()
        let indent = arguments.integer(1, "indent")
        let indentText = arguments.text(1, "indent")
        if indent != nil || indentText != nil {
            let width = min(max(indent ?? 0, 0), TemplateLimits.textByteCountMax)
            try charge(width / 16)
            style.indent = indentText ?? String(repeating: " ", count: width)
            style.itemSeparator = ","
        }
        if case .sequence(let separators)? = arguments[2, "separators"],
            separators.elements.count == 2
        {
            style.itemSeparator = try text(of: separators.elements[0])
            style.keySeparator = try text(of: separators.elements[1])
        }
        style.sortsKeys = arguments.isTrue(3, "sort_keys")
        try reserveJSON(value, style)
        var text = ""
        guard value.appendJSON(to: &text, style: style) else {
            throw fail("'tojson' cannot write a value with parts of type '\(value.typeName)'")
        }
        try reserveText(text.utf8.count)
        return text
    }

    /// No more than this can come from indentation and separators, whatever they are.
    private func reserveJSON(
        _ value: TemplateValue, _ style: TemplateJSONStyle
    ) throws(TemplateError) {
        let indentation = (style.indent ?? "").utf8.count.multipliedReportingOverflow(
            by: 2 * (value.depth + 1))
        let each = saturatingSum(
            indentation.overflow ? .max : indentation.partialValue,
            style.itemSeparator.utf8.count + style.keySeparator.utf8.count)
        let (total, overflow) = each.multipliedReportingOverflow(by: nodeCount(value))
        guard !overflow, total <= 4 * TemplateLimits.textByteCountMax else {
            try reserveText(nil)
            return
        }
        try charge(value.weight)
    }

    /// Containers and their elements, without the weight of texts' bytes.
    private func nodeCount(_ value: TemplateValue) -> Int {
        switch value {
        case .sequence(let list): list.elements.reduce(1) { saturatingSum($0, nodeCount($1)) }
        case .mapping(let mapping):
            mapping.entries.reduce(1) { saturatingSum($0, 1 + nodeCount($1.value)) }
        default: 1
        }
    }
}
