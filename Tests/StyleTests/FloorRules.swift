// SPDX-License-Identifier: Apache-2.0

/// The floors of ARCHITECTURE.md: a target imports only what stands here beside its name.
enum FloorRules {
    static let allowed: [String: Set<String>] = [
        "Platform": ["CGnuTLS", "CLinux", "Glibc", "Synchronization"],
        "Wire": ["CKernels"],
        "Model": ["FoundationEssentials", "Platform", "Synchronization"],
        "Control": ["Wire"],
        "Simulation": ["Control", "Wire"],
        "simulate": ["Simulation"],
        "Engine": ["CKernels", "CLinux", "COpenBLAS", "Model", "Platform", "Synchronization"],
        "Cluster": [
            "Control", "Engine", "FoundationEssentials", "Model", "Platform", "Synchronization",
            "Wire",
        ],
        "API": [
            "CMicroHTTPD", "Cluster", "Control", "FoundationEssentials", "Model", "Platform",
            "Synchronization",
        ],
        "caravan": [
            "API", "Cluster", "Control", "Engine", "Foundation", "FoundationEssentials",
            "FoundationNetworking", "Model", "Platform", "Synchronization", "Wire",
        ],
    ]

    static func imports(_ files: [SourceText]) -> [String] {
        files.filter(\.isSwift).flatMap { file -> [String] in
            guard let target = file.target else { return [] }
            guard let allowed = allowed[target] else {
                return ["\(file.path): \(target) stands on no floor; see FloorRules.allowed"]
            }
            return importedModules(file).filter { !allowed.contains($0.module) }
                .map { "\(file.path):\($0.line): \(target) may not import \($0.module)" }
        }
    }

    /// Tests use what others use: `package` declarations, through plain imports.
    static func plainImports(_ files: [SourceText]) -> [String] {
        lines(files.filter(\.isSwift)) { $0.contains("@testable") }
            .map { "\($0): @testable; make it package instead" }
    }

    /// Two levels of access are enough: `package` between targets, nothing is published.
    static func access(_ files: [SourceText]) -> [String] {
        lines(files.filter { $0.isSwift && $0.target != nil }) { line in
            line.split(separator: " ").contains { $0 == "public" || $0 == "open" }
        }.map { "\($0): public; use package" }
    }

    /// Only the executable prints: everything else logs, or returns what is to be printed.
    static func printing(_ files: [SourceText]) -> [String] {
        let calls = ["print(", "debugPrint(", "dump("]
        let executables = ["caravan", "simulate"]
        let others = files.filter { file in
            file.isSwift && file.target.map { !executables.contains($0) } ?? false
        }
        return lines(others) { line in
            calls.contains { call in
                line.ranges(of: call).contains { range in
                    line[..<range.lowerBound].last.map { !isPartOfName($0) } ?? true
                }
            }
        }.map { "\($0): prints outside the executable" }
    }

    static func importedModules(_ file: SourceText) -> [(line: Int, module: String)] {
        file.codeLines.enumerated().compactMap { offset, line in
            let words = line.split(whereSeparator: { $0 == " " || $0 == ";" })
            guard let index = words.firstIndex(of: "import"),
                words[..<index].allSatisfy({ $0.hasPrefix("@") || levels.contains(String($0)) })
            else { return nil }
            let names = words[(index + 1)...].drop(while: { kinds.contains(String($0)) })
            return names.first.flatMap { $0.split(separator: ".").first }
                .map { (offset + 1, String($0)) }
        }
    }

    private static let levels: Set<String> = [
        "public", "package", "internal", "fileprivate", "private",
    ]
    private static let kinds: Set<String> = [
        "struct", "class", "enum", "protocol", "func", "var", "let", "typealias", "actor",
    ]

    private static func isPartOfName(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_" || character == "."
    }
}

/// `path:line` of each line of code (comments and strings blanked) that satisfies `isFault`.
func lines(_ files: [SourceText], _ isFault: (Substring) -> Bool) -> [String] {
    files.flatMap { file in
        file.codeLines.enumerated().filter { isFault($0.element) }
            .map { "\(file.path):\($0.offset + 1)" }
    }
}
