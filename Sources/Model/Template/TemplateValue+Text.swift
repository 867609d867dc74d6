// SPDX-License-Identifier: Apache-2.0

extension TemplateValue {
    /// What Python's `str()` gives: the text a template prints for the value.
    package var text: String {
        switch self {
        case .undefined: ""
        case .string(let text): text
        default: representation
        }
    }

    /// What Python's `repr()` gives.
    var representation: String {
        var text = ""
        appendRepresentation(to: &text)
        return text
    }

    private func appendRepresentation(to text: inout String) {
        switch self {
        case .undefined: text += "Undefined"
        case .none: text += "None"
        case .bool(let flag): text += flag ? "True" : "False"
        case .int(let number): text += String(number)
        case .double(let number): text += Self.representation(of: number)
        case .string(let string): Self.appendQuoted(string, to: &text)
        case .sequence(let list): list.appendRepresentation(to: &text)
        case .mapping(let mapping):
            text += "{"
            for (index, entry) in mapping.entries.enumerated() {
                if index > 0 { text += ", " }
                entry.key.appendRepresentation(to: &text)
                text += ": "
                entry.value.appendRepresentation(to: &text)
            }
            text += "}"
        case .namespace: text += "<Namespace>"
        case .loop(let loop):
            text += "<LoopContext \(loop.index + 1)/\(loop.elements.elements.count)>"
        case .callable: text += "<function>"
        }
    }

    /// Python's shortest decimal that reads back as the same number.
    static func representation(of number: Double) -> String {
        guard number.isFinite else {
            return number.isNaN ? "nan" : number < 0 ? "-inf" : "inf"
        }
        var (digits, exponent) = shortestDigits(of: number.magnitude)
        let sign = number.sign == .minus ? "-" : ""
        if exponent < -4 || exponent >= 16 {
            let first = digits.removeFirst()
            let fraction = digits.isEmpty ? "" : "." + String(decoding: digits, as: UTF8.self)
            let magnitude =
                exponent.magnitude < 10 ? "0\(exponent.magnitude)" : "\(exponent.magnitude)"
            let head = String(decoding: [first], as: UTF8.self)
            return sign + head + fraction + "e" + (exponent < 0 ? "-" : "+") + magnitude
        }
        if exponent < 0 {
            digits.insert(contentsOf: repeatElement(UInt8(ascii: "0"), count: -exponent), at: 0)
            exponent = 0
        }
        while digits.count < exponent + 2 { digits.append(UInt8(ascii: "0")) }
        let whole = String(decoding: digits[...exponent], as: UTF8.self)
        return sign + whole + "." + String(decoding: digits[(exponent + 1)...], as: UTF8.self)
    }

    /// The significant digits of a finite number that is not negative, without zeros at either
    /// end, and the power of ten of the first.
    private static func shortestDigits(of number: Double) -> (digits: [UInt8], exponent: Int) {
        let parts = number.description.split(separator: "e")
        var exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        var digits: [UInt8] = []
        var pointIndex: Int?
        for byte in (parts.first ?? "0").utf8 {
            if byte == UInt8(ascii: ".") { pointIndex = digits.count } else { digits.append(byte) }
        }
        exponent += (pointIndex ?? digits.count) - 1
        while digits.count > 1, digits.first == UInt8(ascii: "0") {
            digits.removeFirst()
            exponent -= 1
        }
        while digits.count > 1, digits.last == UInt8(ascii: "0") { digits.removeLast() }
        return digits == [UInt8(ascii: "0")] ? (digits, 0) : (digits, exponent)
    }

    private static func appendQuoted(_ string: String, to text: inout String) {
        let hasSingle = string.utf8.contains(UInt8(ascii: "'"))
        let quote: Unicode.Scalar =
            hasSingle && !string.utf8.contains(UInt8(ascii: "\"")) ? "\"" : "'"
        text.unicodeScalars.append(quote)
        for scalar in string.unicodeScalars {
            switch scalar {
            case quote, "\\": text += "\\" + String(scalar)
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            default:
                if scalar.isPythonPrintable {
                    text.unicodeScalars.append(scalar)
                } else {
                    text += scalar.pythonEscape
                }
            }
        }
        text.unicodeScalars.append(quote)
    }
}

extension TemplateSequence {
    fileprivate func appendRepresentation(to text: inout String) {
        text += isTuple ? "(" : "["
        for (index, element) in elements.enumerated() {
            if index > 0 { text += ", " }
            text += element.representation
        }
        if isTuple, elements.count == 1 { text += "," }
        text += isTuple ? ")" : "]"
    }
}

extension Unicode.Scalar {
    /// `str.isprintable()`: everything but controls, unassigned code points and odd spaces.
    fileprivate var isPythonPrintable: Bool {
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
            .paragraphSeparator:
            false
        case .spaceSeparator: self == " "
        default: true
        }
    }

    fileprivate var pythonEscape: String {
        let digits = String(value, radix: 16)
        let (prefix, width) = value < 0x100 ? ("\\x", 2) : value < 0x10000 ? ("\\u", 4) : ("\\U", 8)
        return prefix + String(repeating: "0", count: width - digits.count) + digits
    }
}
