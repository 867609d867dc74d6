// SPDX-License-Identifier: Apache-2.0

/// Rules about words: licences, names, notes to self, doc comments.
enum WordRules {
    /// In two parts, so that this file passes its own check.
    private static let notes = ["FIX" + "ME", "TO" + "DO", "XX" + "X"]

    static func notesToSelf(_ files: [SourceText]) -> [String] {
        files.flatMap { file in
            file.lines.enumerated().flatMap { offset, line in
                words(line).filter { notes.contains($0) }
                    .map { "\(file.path):\(offset + 1): \($0); do it, or open an issue" }
            }
        }
    }

    /// Words that tell how the work was organised instead of what the program does.
    private static let banned: Set<String> = [
        "sub" + "agent", "sub" + "agents", "work" + "tree", "work" + "trees", "chat" + "gpt",
        "copi" + "lot", "clau" + "de", "LL" + "M-generated", "A" + "I-generated",
    ]

    static func bannedWords(_ files: [SourceText]) -> [String] {
        files.flatMap { file in
            file.lines.enumerated().flatMap { offset, line in
                words(line).filter { banned.contains($0) || banned.contains($0.lowercased()) }
                    .map { "\(file.path):\(offset + 1): the word \($0)" }
            }
        }
    }

    /// Tests may hold emoji (tokenizers must read them); nothing else needs any.
    static func emoji(_ files: [SourceText]) -> [String] {
        files.filter { !$0.path.hasPrefix("Tests/") && !$0.path.hasPrefix("proto/vectors") }
            .flatMap { file in
                file.lines.enumerated()
                    .filter { $0.element.unicodeScalars.contains(where: isEmoji) }
                    .map { "\(file.path):\($0.offset + 1): an emoji" }
            }
    }

    static func licence(_ files: [SourceText]) -> [String] {
        let mark = "SPDX-License-Identifier: Apache-2.0"
        return files.filter { $0.isSwift || $0.isC || $0.isScript }
            .filter { file in !file.lines.prefix(2).contains { $0.hasSuffix(mark) } }
            .map { "\($0.path): no SPDX line at the top" }
    }

    /// Names that say nothing, and types named like their module.
    static func names(_ files: [SourceText]) -> [String] {
        let vague = ["Utils", "Common", "Helper", "Manager", "Misc"]
        let sources = files.filter { $0.isSwift || $0.isC }
        var faults = sources.flatMap { file in
            vague.filter { file.name.contains($0) }
                .map { "\(file.path): \($0) says nothing; name the noun" }
        }
        for file in sources where file.isSwift {
            for (line, name) in declaredTypes(file) {
                faults += vague.filter { name.contains($0) }
                    .map { "\(file.path):\(line): \($0) in \(name) says nothing" }
                if name == file.target {
                    faults.append("\(file.path):\(line): \(name) is its module's name")
                }
            }
        }
        return faults
    }

    /// A type that other targets see begins with a sentence about it.
    static func documentedTypes(_ files: [SourceText]) -> [String] {
        files.filter { $0.isSwift && $0.target != nil }.flatMap { file -> [String] in
            let lines = file.lines
            return declaredTypes(file).compactMap { number, name in
                let index = number - 1
                guard lines[index].hasPrefix("package ") else { return nil }
                let above = lines[..<index].last { !trimmed($0).hasPrefix("@") } ?? ""
                return trimmed(above).hasPrefix("///")
                    ? nil : "\(file.path):\(number): \(name) has no doc comment"
            }
        }
    }

    static func uncheckedSendable(_ files: [SourceText], countMax: Int = 5) -> [String] {
        let word = "@unchecked"
        let sources = files.filter { $0.isSwift && $0.target != nil }
        let places = sources.flatMap { file in
            file.codeLines.enumerated().filter { $0.element.contains(word) }
                .map { (file, $0.offset) }
        }
        var faults = places.filter { file, index in
            index == 0 || !trimmed(file.lines[index - 1]).hasPrefix("//")
        }.map { "\($0.0.path):\($0.1 + 1): \(word) without its proof in a comment above" }
        if places.count > countMax {
            faults.append("\(places.count) times \(word), at most \(countMax)")
        }
        return faults
    }

    /// STYLE rule 2: a test waits for something that happens, never for time to pass.
    static func sleepingTests(_ files: [SourceText]) -> [String] {
        lines(files.filter { $0.isSwift && $0.path.hasPrefix("Tests/") }) { line in
            words(line).contains { ["sleep", "usleep", "nanosleep", "asyncAfter"].contains($0) }
        }.map { "\($0): a test sleeps" }
    }

    // MARK: Words

    private static func declaredTypes(_ file: SourceText) -> [(line: Int, name: String)] {
        let kinds: Set<String> = ["struct", "class", "enum", "actor", "protocol"]
        return file.codeLines.enumerated().compactMap { offset, line in
            let words = words(line)
            guard let index = words.firstIndex(where: kinds.contains), index + 1 < words.count,
                words[..<index].allSatisfy(modifiers.contains), words[index + 1] != "func",
                words[index + 1] != "var"
            else { return nil }
            return (offset + 1, words[index + 1])
        }
    }

    private static let modifiers: Set<String> = [
        "package", "internal", "private", "fileprivate", "final", "indirect",
    ]

    private static func words(_ line: Substring) -> [String] {
        line.split(whereSeparator: { !$0.isLetter && !$0.isNumber && $0 != "_" && $0 != "-" })
            .map(String.init)
    }

    private static func trimmed(_ line: Substring) -> Substring { line.drop(while: { $0 == " " }) }

    private static func isEmoji(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isEmojiPresentation || scalar.value == 0xFE0F
    }
}
