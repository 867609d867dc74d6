// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import Platform

/// A fresh directory that goes away, with all that is in it, when the object does.
package final class TemporaryDirectory: Sendable {
    package let path: String

    package init() throws {
        let name = "caravan-test-\(UInt64.random(in: 0 ... .max))"
        path = FileManager.default.temporaryDirectory.appendingPathComponent(name).path
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    package func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes `bytes` to the file `name` and returns its path.
    @discardableResult
    package func write(_ bytes: [UInt8], to name: String) throws -> String {
        try Data(bytes).write(to: URL(filePath: file(name)))
        return file(name)
    }

    /// Copies `source` to the file `name`, then cuts it to `byteCount`.
    package func copy(_ source: String, to name: String, byteCount: Int) throws {
        try FileManager.default.copyItem(atPath: source, toPath: file(name))
        guard truncate(file(name), byteCount) == 0 else {
            throw FileError.cannotWrite(path: file(name), errno: errno)
        }
    }
}
