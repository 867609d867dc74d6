// SPDX-License-Identifier: Apache-2.0

/// A JSON value that is only ever written, with members in order of their names.
enum JSONText: Equatable {
    case integer(UInt64)
    case string(String)
    case list([JSONText])
    case object([String: JSONText])

    static func number(_ value: some FixedWidthInteger) -> JSONText {
        .integer(UInt64(value))
    }

    /// A float as the eight hexadecimal digits of its bits.
    static func float(_ value: Float) -> JSONText {
        .string(hexadecimal(value.bitPattern))
    }

    func text(indent: String = "") -> String {
        let inner = indent + "  "
        switch self {
        case .integer(let value):
            return String(value)
        case .string(let value):
            let escaped = value.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : String($0) }
            return "\"" + escaped.joined() + "\""
        case .list(let values):
            if values.isEmpty { return "[]" }
            let lines = values.map { inner + $0.text(indent: inner) }
            return "[\n" + lines.joined(separator: ",\n") + "\n" + indent + "]"
        case .object(let members):
            if members.isEmpty { return "{}" }
            let lines = members.sorted { $0.key < $1.key }
                .map { inner + "\"\($0.key)\": " + $0.value.text(indent: inner) }
            return "{\n" + lines.joined(separator: ",\n") + "\n" + indent + "}"
        }
    }
}

func hexadecimal(_ value: some FixedWidthInteger) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: value.bitWidth / 4 - digits.count) + digits
}

func hexadecimal(_ bytes: [UInt8]) -> String { bytes.map { hexadecimal($0) }.joined() }
