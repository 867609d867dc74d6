// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Files of a few lines, read and written whole.
package enum SmallFile {
    /// The most that `read` returns.
    package static let byteCountMax = 1 << 20

    package static func read(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while bytes.count < byteCountMax {
            let got = Glibc.read(descriptor, &buffer, buffer.count)
            guard got > 0 else { break }
            bytes += buffer[..<got]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Replaces the file, and makes its directory where there is none. Other processes may do so at
    /// once: one of them wins. With the machine's power it may be lost, or left empty.
    package static func write(_ text: String, to path: String) throws(FileError) {
        let directory = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        try FileSystem.makeDirectory(directory.joined(separator: "/"))
        let suffix = ".\(String(Randomness.word(), radix: 16)).tmp"
        var file = try StagedFile(finalPath: path, suffix: suffix)
        try file.append(Array(text.utf8))
        try file.commit(isDurable: false)
    }
}
