// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// A file that comes piece by piece and may take several attempts.
///
/// What an earlier process left is taken up by the next one: the file's length says how far it got.
/// Each has one writer at a time, held by a lock that ends with its process; whoever finds it taken
/// gets a file of its own.
package struct PartFile: ~Copyable {
    /// Processes that receive the same file into one directory at the same time.
    private static let writersMax = 64
    /// How much is left to the kernel before it is told to begin writing.
    private static let writeBehindBytes = 8 << 20

    package let path: String
    private let finalPath: String
    private let descriptor: Int32
    package private(set) var byteCount: Int
    private var startedByteCount: Int

    /// Opens `finalPath.part`, or where another process writes that, `finalPath.2.part` and so on.
    package init(finalPath: String) throws(FileError) {
        self.finalPath = finalPath
        for number in 1...Self.writersMax {
            let path = finalPath + (number == 1 ? ".part" : ".\(number).part")
            guard let descriptor = try Self.openUnused(path) else { continue }
            self.path = path
            self.descriptor = descriptor
            byteCount = max(0, Int(lseek(descriptor, 0, SEEK_END)))
            startedByteCount = byteCount
            return
        }
        throw .cannotWrite(path: finalPath, errno: EBUSY)
    }

    /// Closes the file; what is not committed stays for the next attempt.
    deinit { close(descriptor) }

    /// Opens and locks `path`; nil where another process holds it.
    private static func openUnused(_ path: String) throws(FileError) -> Int32? {
        while true {
            let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard descriptor >= 0 else { throw .cannotWrite(path: path, errno: errno) }
            var isKept = false
            defer { if !isKept { close(descriptor) } }
            guard try lock(descriptor, path: path) else { return nil }
            // Between the two calls its writer may have given it its name, or removed it.
            var held = stat()
            var named = stat()
            if fstat(descriptor, &held) == 0, stat(path, &named) == 0,
                FileIdentity(held) == FileIdentity(named)
            {
                isKept = true
                return descriptor
            }
        }
    }

    /// Locks the open file `path` for this process alone; false where another process holds it.
    ///
    /// Throws `FileError.cannotLock` where there are no locks, as on some network file systems:
    /// to take that for another process would end at `writersMax` with the wrong reason.
    package static func lock(_ descriptor: Int32, path: String) throws(FileError) -> Bool {
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let reason = errno
            if reason == EWOULDBLOCK { return false }
            guard reason == EINTR else { throw .cannotLock(path: path, errno: reason) }
        }
        return true
    }

    /// Sets room for `byteCount` bytes aside, so that a full disk is noticed before they come.
    ///
    /// File systems that cannot do so are left to fail later.
    package mutating func reserve(byteCount: Int) throws(FileError) {
        guard byteCount > 0 else { return }
        let reason = cl_reserve(descriptor, Int64(byteCount))
        guard reason != 0, reason != EOPNOTSUPP, reason != ENOSYS else { return }
        throw .cannotWrite(path: path, errno: reason)
    }

    package mutating func append(_ bytes: [UInt8]) throws(FileError) {
        try writeFully(descriptor, bytes, path: path)
        byteCount += bytes.count
        // Begun early, so that the last `fsync` has little left to wait for.
        if byteCount - startedByteCount >= Self.writeBehindBytes {
            cl_start_writing(
                descriptor, Int64(startedByteCount), Int64(byteCount - startedByteCount))
            startedByteCount = byteCount
        }
    }

    /// Feeds the bytes `range`, which have been written, to `hash`.
    package func hash(_ range: Range<Int>, into hash: inout SHA256) throws(FileError) {
        try hashFully(descriptor, range, into: &hash, path: path)
    }

    /// Throws away what it holds.
    package mutating func restart() throws(FileError) {
        guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
            throw .cannotWrite(path: path, errno: errno)
        }
        byteCount = 0
        startedByteCount = 0
    }

    /// Brings the bytes to disk and gives the file its name.
    package mutating func commit() throws(FileError) {
        guard fsync(descriptor) == 0, rename(path, finalPath) == 0 else {
            throw .cannotWrite(path: finalPath, errno: errno)
        }
        _ = flock(descriptor, LOCK_UN)
    }

    /// Removes the file.
    package mutating func discard() { unlink(path) }
}
