// SPDX-License-Identifier: Apache-2.0

/// What documents point at has to be there.
enum DocumentRules {
    /// Targets of `[text](target)` that are no files of the repository.
    static func links(_ files: [SourceText], paths: [String]) -> [String] {
        let known = withFolders(paths)
        return files.filter(\.isDocument).flatMap { file in
            file.lines.enumerated().flatMap { offset, line in
                linkTargets(line).compactMap { target -> String? in
                    guard !target.contains("://"), !target.hasPrefix("mailto:"),
                        let path = target.split(
                            separator: "#", omittingEmptySubsequences: false
                        ).first, !path.isEmpty
                    else { return nil }
                    return known.contains(resolve(String(path), from: file.path))
                        ? nil : "\(file.path):\(offset + 1): dead link \(target)"
                }
            }
        }
    }

    /// Paths in back quotes that are no files of the repository. `NAME` and `*` stand for any.
    static func mentions(_ files: [SourceText], paths: [String]) -> [String] {
        let known = withFolders(paths)
        let tops = ["Sources/", "Tests/", "proto/", "scripts/", "deploy/", ".ci/"]
        return files.filter { $0.isDocument && $0.path != "CHANGELOG.md" }.flatMap { file in
            file.lines.enumerated().flatMap { offset, line in
                quoted(line).compactMap { mention -> String? in
                    let path = mention.split(separator: " ").first.map(String.init) ?? ""
                    guard tops.contains(where: path.hasPrefix),
                        !path.contains(where: { "*<>…{".contains($0) }), !path.contains("NAME")
                    else { return nil }
                    return known.contains(resolve(path, from: "README.md"))
                        ? nil : "\(file.path):\(offset + 1): no such file \(path)"
                }
            }
        }
    }

    private static func linkTargets(_ line: Substring) -> [String] {
        line.ranges(of: "](").compactMap { range in
            line[range.upperBound...].split(
                separator: ")", maxSplits: 1, omittingEmptySubsequences: false
            ).first.map(String.init)
        }
    }

    /// Every second piece between back quotes is code.
    private static func quoted(_ line: Substring) -> [Substring] {
        line.split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .filter { $0.offset % 2 == 1 }.map(\.element)
    }

    private static func withFolders(_ paths: [String]) -> Set<String> {
        var known = Set(paths)
        for path in paths {
            var parts = path.split(separator: "/").dropLast()
            while !parts.isEmpty {
                known.insert(parts.joined(separator: "/"))
                parts = parts.dropLast()
            }
        }
        return known
    }

    private static func resolve(_ target: String, from document: String) -> String {
        var parts =
            target.hasPrefix("/")
            ? [] : document.split(separator: "/").dropLast().map(String.init)
        for part in target.split(separator: "/") {
            switch part {
            case ".": break
            case "..": _ = parts.popLast()
            default: parts.append(String(part))
            }
        }
        return parts.joined(separator: "/")
    }
}
