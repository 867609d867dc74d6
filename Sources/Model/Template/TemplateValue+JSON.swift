// SPDX-License-Identifier: Apache-2.0

/// How `tojson` lays its text out: the arguments of Python's `json.dumps`.
struct TemplateJSONStyle {
    /// The text of one level of indentation; nil for all on one line.
    var indent: String?
    var itemSeparator = ", "
    var keySeparator = ": "
    var sortsKeys = false
}

extension TemplateValue {
    /// Appends JSON as `json.dumps(ensure_ascii=False)` writes it; false if some part of the value
    /// has no JSON form.
    func appendJSON(to text: inout String, style: TemplateJSONStyle, level: Int = 0) -> Bool {
        switch self {
        case .none: text += "null"
        case .bool(let flag): text += flag ? "true" : "false"
        case .int(let number): text += String(number)
        case .double(let number): text += Self.jsonNumber(number)
        case .string(let string): Self.appendJSONString(string, to: &text)
        case .sequence(let list):
            return Self.appendJSON(list: list.elements, to: &text, style: style, level: level)
        case .mapping(let mapping):
            return Self.appendJSON(mapping: mapping, to: &text, style: style, level: level)
        case .undefined, .namespace, .loop, .callable: return false
        }
        return true
    }

    private static func appendJSON(
        list: [TemplateValue], to text: inout String, style: TemplateJSONStyle, level: Int
    ) -> Bool {
        if list.isEmpty {
            text += "[]"
            return true
        }
        text += "["
        for (index, element) in list.enumerated() {
            if index > 0 { text += style.itemSeparator }
            appendBreak(to: &text, style: style, level: level + 1)
            guard element.appendJSON(to: &text, style: style, level: level + 1) else {
                return false
            }
        }
        appendBreak(to: &text, style: style, level: level)
        text += "]"
        return true
    }

    private static func appendJSON(
        mapping: TemplateMapping, to text: inout String, style: TemplateJSONStyle, level: Int
    ) -> Bool {
        if mapping.entries.isEmpty {
            text += "{}"
            return true
        }
        var entries = mapping.entries
        if style.sortsKeys { entries.sort { $0.key.precedes($1.key) ?? false } }
        text += "{"
        for (index, entry) in entries.enumerated() {
            if index > 0 { text += style.itemSeparator }
            appendBreak(to: &text, style: style, level: level + 1)
            appendJSONString(jsonKey(entry.key), to: &text)
            text += style.keySeparator
            guard entry.value.appendJSON(to: &text, style: style, level: level + 1) else {
                return false
            }
        }
        appendBreak(to: &text, style: style, level: level)
        text += "}"
        return true
    }

    private static func appendBreak(to text: inout String, style: TemplateJSONStyle, level: Int) {
        guard let indent = style.indent else { return }
        text += "\n"
        for _ in 0..<level { text += indent }
    }

    private static func jsonKey(_ key: TemplateValue) -> String {
        switch key {
        case .none: "null"
        case .bool(let flag): flag ? "true" : "false"
        case .double(let number): jsonNumber(number)
        default: key.text
        }
    }

    private static func jsonNumber(_ number: Double) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number < 0 ? "-Infinity" : "Infinity" }
        return representation(of: number)
    }

    private static func appendJSONString(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{8}": text += "\\b"
            case "\u{C}": text += "\\f"
            default:
                if scalar.value < 0x20 {
                    text += scalar.value < 0x10 ? "\\u000" : "\\u00"
                    text += String(scalar.value, radix: 16)
                } else {
                    text.unicodeScalars.append(scalar)
                }
            }
        }
        text += "\""
    }
}
