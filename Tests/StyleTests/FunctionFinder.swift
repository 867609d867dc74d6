// SPDX-License-Identifier: Apache-2.0

/// A function's body in a source file.
struct FunctionSize: Equatable {
    let path: String
    let name: String
    /// Where its declaration begins, from 1.
    let line: Int
    /// From the declaration to the closing brace, both counted.
    let lineCount: Int
}

/// Finds functions and measures them by matching braces in blanked code.
struct FunctionFinder {
    private let path: String
    private let bytes: [UInt8]

    static func functions(in file: SourceText) -> [FunctionSize] {
        let code = file.codeText
        let finder = FunctionFinder(
            path: file.path, bytes: Array((file.isC ? withoutDirectives(code) : code).utf8))
        return file.isC ? finder.functionsOfC() : finder.functionsOfSwift()
    }

    // MARK: Swift

    private static let declarations: Set<String> = ["func", "init", "deinit", "subscript"]
    /// A declaration that is followed by one of these before any brace has no body.
    private static let starters: Set<String> = [
        "func", "init", "deinit", "subscript", "var", "let", "case", "static", "class", "struct",
        "enum", "package", "private", "mutating", "associatedtype", "extension", "typealias",
    ]

    private func functionsOfSwift() -> [FunctionSize] {
        var found: [FunctionSize] = []
        var index = 0
        while index < bytes.count {
            guard let end = wordEnd(from: index) else {
                index += 1
                continue
            }
            let word = text(index..<end)
            if Self.declarations.contains(word),
                index == 0 || bytes[index - 1] != UInt8(ascii: "."),
                let open = bodyStart(after: end), let close = matchingBrace(from: open)
            {
                let name = word == "func" ? functionName(after: end) : word
                found.append(size(name, from: index, to: close))
            }
            index = end
        }
        return found
    }

    private func functionName(after index: Int) -> String {
        var start = index
        while start < bytes.count, bytes[start] == UInt8(ascii: " ") { start += 1 }
        let stops: [UInt8] = [UInt8(ascii: "("), UInt8(ascii: "<"), UInt8(ascii: " ")]
        let end = bytes[start...].dropFirst().firstIndex(where: stops.contains) ?? bytes.count
        return text(start..<end)
    }

    /// The opening brace of the body of a declaration whose keyword ends at `index`.
    private func bodyStart(after index: Int) -> Int? {
        var depth = 0
        var cursor = index
        while cursor < bytes.count {
            switch bytes[cursor] {
            case UInt8(ascii: "("), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: ")"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: "{") where depth == 0: return cursor
            case UInt8(ascii: "}") where depth == 0: return nil
            default:
                if depth == 0, let end = wordEnd(from: cursor) {
                    if Self.starters.contains(text(cursor..<end)) { return nil }
                    cursor = end
                    continue
                }
            }
            cursor += 1
        }
        return nil
    }

    // MARK: C

    /// C code without its preprocessor lines, whose braces need not match.
    private static func withoutDirectives(_ code: String) -> String {
        var continues = false
        return code.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let isDirective = continues || line.drop(while: { $0 == " " }).hasPrefix("#")
            continues = isDirective && line.hasSuffix("\\")
            return isDirective ? "" : String(line)
        }.joined(separator: "\n")
    }

    /// At the top level, a brace behind a closing parenthesis opens a function.
    private func functionsOfC() -> [FunctionSize] {
        var found: [FunctionSize] = []
        var start = 0
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: ";") { start = index + 1 }
            guard bytes[index] == UInt8(ascii: "{"), let close = matchingBrace(from: index) else {
                index += 1
                continue
            }
            let head = start..<index
            if let open = head.first(where: { bytes[$0] == UInt8(ascii: "(") && isCall($0) }) {
                let first = head.first(where: { bytes[$0] > UInt8(ascii: " ") }) ?? start
                found.append(size(wordBefore(open), from: first, to: close))
            }
            start = close + 1
            index = close + 1
        }
        return found
    }

    /// True for the parenthesis of a parameter list: a name stands before it, not an attribute.
    private func isCall(_ index: Int) -> Bool {
        let word = wordBefore(index)
        return !word.isEmpty && word != "__attribute__" && word != "target" && word != "aligned"
    }

    // MARK: Bytes

    private func size(_ name: String, from start: Int, to end: Int) -> FunctionSize {
        let newline = UInt8(ascii: "\n")
        return FunctionSize(
            path: path, name: name,
            line: bytes[..<start].count(where: { $0 == newline }) + 1,
            lineCount: bytes[start...end].count(where: { $0 == newline }) + 1)
    }

    private func matchingBrace(from open: Int) -> Int? {
        var depth = 0
        for index in open..<bytes.count {
            if bytes[index] == UInt8(ascii: "{") { depth += 1 }
            if bytes[index] == UInt8(ascii: "}") { depth -= 1 }
            if depth == 0 { return index }
        }
        return nil
    }

    private func wordEnd(from index: Int) -> Int? {
        guard isWord(bytes[index]), index == 0 || !isWord(bytes[index - 1]) else { return nil }
        return bytes[index...].firstIndex(where: { !isWord($0) }) ?? bytes.count
    }

    private func wordBefore(_ index: Int) -> String {
        var start = index
        while start > 0, isWord(bytes[start - 1]) { start -= 1 }
        return text(start..<index)
    }

    private func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
            true
        default: false
        }
    }

    private func text(_ range: Range<Int>) -> String {
        String(decoding: bytes[range], as: UTF8.self)
    }
}
