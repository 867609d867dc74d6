// SPDX-License-Identifier: Apache-2.0

/// Text operations with the meaning they have in Python, where a character is a code point.
extension String {
    init(scalars: some Sequence<Unicode.Scalar>) {
        var view = UnicodeScalarView()
        view.append(contentsOf: scalars)
        self.init(view)
    }

    /// Equality of code points; `==` holds canonically equivalent texts for equal.
    func isSame(as other: String) -> Bool {
        utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
    }

    func trimmed(_ characters: String? = nil, start: Bool = true, end: Bool = true) -> String {
        let set = characters.map { Set($0.unicodeScalars) }
        func isTrimmed(_ scalar: Unicode.Scalar) -> Bool {
            set?.contains(scalar) ?? scalar.isPythonSpace
        }
        var view = unicodeScalars[...]
        if start { view = view.drop(while: isTrimmed) }
        if end {
            while let last = view.last, isTrimmed(last) { view.removeLast() }
        }
        return String(view)
    }

    /// Offsets in UTF-8 of the non-overlapping occurrences of `pattern`, at most `countMax`, in
    /// time linear in both lengths (Knuth, Morris, Pratt).
    func occurrences(of pattern: String, countMax: Int = .max) -> [Int] {
        guard !pattern.isEmpty, pattern.utf8.count <= utf8.count, countMax > 0 else { return [] }
        let pattern = BytePattern(Array(pattern.utf8))
        var found: [Int] = []
        var length = 0
        for (offset, byte) in utf8.enumerated() {
            length = pattern.next(after: length, byte)
            guard length == pattern.bytes.count else { continue }
            found.append(offset + 1 - length)
            length = 0
            if found.count == countMax { break }
        }
        return found
    }

    /// `str.split(separator, countMax)`; a separator must not be empty.
    func parts(separatedBy separator: String, at offsets: [Int]) -> [String] {
        let bytes = Array(utf8)
        var parts: [String] = []
        var start = 0
        for offset in offsets {
            parts.append(String(decoding: bytes[start..<offset], as: UTF8.self))
            start = offset + separator.utf8.count
        }
        parts.append(String(decoding: bytes[start...], as: UTF8.self))
        return parts
    }

    /// `str.split()`: words between white space; after `countMax` splits the rest stays as it is.
    func words(countMax: Int = .max) -> [String] {
        var words: [String] = []
        var rest = unicodeScalars.drop { $0.isPythonSpace }
        while !rest.isEmpty {
            if words.count >= countMax {
                words.append(String(rest))
                break
            }
            let word = rest.prefix { !$0.isPythonSpace }
            words.append(String(word))
            rest = rest[word.endIndex...].drop { $0.isPythonSpace }
        }
        return words
    }

    /// `str.splitlines()`
    func lines() -> [String] {
        var lines: [String] = []
        var line = UnicodeScalarView()
        var previous: Unicode.Scalar?
        var isOpen = false
        for scalar in unicodeScalars {
            defer { previous = scalar }
            if scalar == "\n", previous == "\r" { continue }
            if scalar.isPythonLineBreak {
                lines.append(String(line))
                line = UnicodeScalarView()
                isOpen = false
            } else {
                line.append(scalar)
                isOpen = true
            }
        }
        if isOpen { lines.append(String(line)) }
        return lines
    }

    /// `str.capitalize()`
    func capitalised() -> String {
        guard let first = unicodeScalars.first else { return "" }
        return first.properties.titlecaseMapping
            + String(unicodeScalars.dropFirst()).lowercased()
    }

    /// Each letter after something that `isBoundary` in upper case, all others in lower case.
    func titled(after isBoundary: (Unicode.Scalar) -> Bool) -> String {
        var result = ""
        var isStart = true
        for scalar in unicodeScalars {
            let properties = scalar.properties
            result += isStart ? properties.titlecaseMapping : properties.lowercaseMapping
            isStart = isBoundary(scalar)
        }
        return result
    }
}

extension Unicode.Scalar {
    /// `str.isspace()`
    var isPythonSpace: Bool {
        properties.isWhitespace || (0x1C...0x1F).contains(value)
    }

    var isPythonLineBreak: Bool {
        (0x0A...0x0D).contains(value) || (0x1C...0x1E).contains(value)
            || value == 0x85 || value == 0x2028 || value == 0x2029
    }
}
