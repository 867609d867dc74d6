// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A file as the checks see it: its path from the top of the repository, and its text.
struct SourceText: Sendable {
    let path: String
    let text: String
    /// The text with everything inside comments and string literals blanked, line by line the same.
    let codeText: String

    init(path: String, text: String) {
        self.path = path
        self.text = text
        let isC = path.hasSuffix(".c") || path.hasSuffix(".h")
        codeText = isC || path.hasSuffix(".swift") ? CodeScanner.blanked(text, isC: isC) : text
    }

    var lines: [Substring] { Self.lines(of: text) }
    var codeLines: [Substring] { Self.lines(of: codeText) }

    var name: String { path.split(separator: "/").last.map(String.init) ?? path }
    var isSwift: Bool { path.hasSuffix(".swift") }
    var isC: Bool { path.hasSuffix(".c") || path.hasSuffix(".h") }
    var isDocument: Bool { path.hasSuffix(".md") }
    var isScript: Bool { path.hasPrefix("scripts/") || path.hasPrefix(".ci/") }

    private static func lines(of text: String) -> [Substring] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }

    /// The target that a file below Sources belongs to.
    var target: String? {
        let parts = path.split(separator: "/")
        return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
    }
}

/// What the repository holds, less what `.gitignore` names.
struct Repository: Sendable {
    let root: String
    /// Paths from the top, sorted.
    let paths: [String]
    /// Those that are UTF-8 text of at most 1 MB.
    let texts: [SourceText]

    static let current = Repository(
        root: URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path)

    init(root: String) {
        self.root = root
        var paths: [String] = []
        let walk = FileManager.default.enumerator(atPath: root)
        while let path = walk?.nextObject() as? String {
            let name = path.split(separator: "/").last ?? ""
            if name.hasPrefix(".build") || name == ".git" || name == "__pycache__" {
                walk?.skipDescendants()
            } else if !name.hasSuffix(".gguf"), Self.isFile("\(root)/\(path)") {
                paths.append(path)
            }
        }
        self.paths = paths.sorted()
        texts = self.paths.compactMap { path in
            guard let data = FileManager.default.contents(atPath: "\(root)/\(path)"),
                data.count <= 1_000_000, let text = String(data: data, encoding: .utf8)
            else { return nil }
            return SourceText(path: path, text: text)
        }
    }

    func byteCount(of path: String) -> Int {
        let attributes = try? FileManager.default.attributesOfItem(atPath: "\(root)/\(path)")
        return attributes?[.size] as? Int ?? 0
    }

    private static func isFile(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
            && !isDirectory.boolValue
    }
}
