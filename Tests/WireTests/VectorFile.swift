// SPDX-License-Identifier: Apache-2.0

import Foundation
import Wire

/// Files of `proto/vectors`: hexadecimal bytes, `#` starts a comment.
enum VectorFile {
    static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    static let folder = root.appending(path: "proto/vectors")

    /// Set `CARAVAN_WRITE_VECTORS=1` to write the files from the catalogues before reading them:
    /// only for a vector that is new, since what was published must not change.
    static let isWriting = ProcessInfo.processInfo.environment["CARAVAN_WRITE_VECTORS"] == "1"

    static func text(_ name: String) throws -> String {
        try String(contentsOf: folder.appending(path: name), encoding: .utf8)
    }

    static func write(_ text: String, to name: String) throws {
        try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
    }

    static func names(in subfolder: String) throws -> Set<String> {
        let path = folder.appending(path: subfolder).path
        return Set(try FileManager.default.contentsOfDirectory(atPath: path))
    }

    /// Nil if the text is not hexadecimal.
    static func bytes(ofText text: String) -> [UInt8]? {
        let digits = text.split(separator: "\n")
            .map { $0.prefix { $0 != "#" } }
            .joined()
            .filter { !$0.isWhitespace }
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        var rest = Substring(digits)
        while !rest.isEmpty {
            guard let byte = UInt8(rest.prefix(2), radix: 16) else { return nil }
            bytes.append(byte)
            rest = rest.dropFirst(2)
        }
        return bytes
    }

    /// The header's fields on lines of their own, then sixteen bytes a line.
    static func text(of bytes: [UInt8], comments: [String]) -> String {
        var lines = comments.map { "# " + $0 }
        var rest = bytes[...]
        let fields = [
            ("magic", 4), ("version", 2), ("kind", 2), ("flags", 2), ("reserved", 2),
            ("payload length", 4), ("epoch", 4), ("checksum", 4), ("id", 8),
        ]
        if bytes.count >= Limits.headerBytes {
            for (name, size) in fields {
                let digits = spaced(rest.prefix(size))
                let padding = String(repeating: " ", count: 24 - digits.count)
                lines.append(digits + padding + "# " + name)
                rest = rest.dropFirst(size)
            }
        }
        while !rest.isEmpty {
            lines.append(spaced(rest.prefix(16)))
            rest = rest.dropFirst(16)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func spaced(_ bytes: ArraySlice<UInt8>) -> String {
        bytes.map { hexadecimal($0) }.joined(separator: " ")
    }
}
