// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// A file being written under a temporary name, which gets its real name only when it is complete.
package struct StagedFile: ~Copyable {
    package let temporaryPath: String
    private let finalPath: String
    private let descriptor: Int32
    private var isSettled = false
    package private(set) var byteCount: Int

    /// Opens `finalPath` + `suffix` and empties it. A new file gets `permissions`, less what the
    /// user's mask takes away. `removal` can take it away from another thread.
    package init(
        finalPath: String, suffix: String, permissions: UInt32 = 0o600,
        removal: StagedFileRemoval? = nil
    ) throws(FileError) {
        temporaryPath = finalPath + suffix
        self.finalPath = finalPath
        descriptor = open(temporaryPath, O_RDWR | O_CREAT | O_CLOEXEC | O_TRUNC, permissions)
        byteCount = 0
        guard descriptor >= 0 else { throw .cannotWrite(path: temporaryPath, errno: errno) }
        removal?.cover(temporaryPath)
    }

    deinit {
        close(descriptor)
        if !isSettled { unlink(temporaryPath) }
    }

    /// Sets room for `byteCount` bytes aside, so that a full disk is noticed before the work.
    ///
    /// File systems that cannot do so are left to fail later.
    package mutating func reserve(byteCount: Int) throws(FileError) {
        guard byteCount > 0 else { return }
        let reason = cl_reserve(descriptor, Int64(byteCount))
        guard reason != 0, reason != EOPNOTSUPP, reason != ENOSYS else { return }
        throw .cannotWrite(path: temporaryPath, errno: reason)
    }

    package mutating func append(_ bytes: [UInt8]) throws(FileError) {
        try writeFully(descriptor, bytes, path: temporaryPath)
        byteCount += bytes.count
    }

    /// Brings the bytes to disk and gives the file its name.
    ///
    /// What may get lost with the machine's power need not be durable, and is not waited for.
    package mutating func commit(isDurable: Bool = true) throws(FileError) {
        guard !isDurable || fsync(descriptor) == 0, rename(temporaryPath, finalPath) == 0 else {
            throw .cannotWrite(path: finalPath, errno: errno)
        }
        isSettled = true
    }
}

/// Directories and names on disk.
package enum FileSystem {
    /// Makes `path` and its parents, readable by this user alone.
    package static func makeDirectory(_ path: String) throws(FileError) {
        var prefix = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            prefix += "/" + part
            guard mkdir(prefix, 0o700) == 0 || errno == EEXIST else {
                throw .cannotWrite(path: prefix, errno: errno)
            }
        }
    }

    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    package static func byteCount(_ path: String) -> Int? {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : nil
    }

    /// `path` from the root on.
    package static func absolutePath(_ path: String) -> String {
        guard !path.hasPrefix("/"), let directory = getcwd(nil, 0) else { return path }
        defer { free(directory) }
        return String(cString: directory) + "/" + path
    }

    package static func remove(_ path: String) { unlink(path) }

    /// What the variable holds; nil where it is not set or empty.
    package static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// This machine's host name.
    package static var hostName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "worker" }
        let bytes = buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
        return bytes.isEmpty ? "worker" : String(decoding: bytes, as: UTF8.self)
    }
}
