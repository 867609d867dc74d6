// SPDX-License-Identifier: Apache-2.0

import Glibc

extension FileSystem {
    /// A regular file in a directory.
    package struct Entry: Sendable, Equatable {
        package let name: String
        /// Room it takes on disk, or will take when it is written as far as it was set aside.
        package let byteCount: Int
        package let modifiedNanoseconds: Int64

        package init(name: String, byteCount: Int, modifiedNanoseconds: Int64) {
            self.name = name
            self.byteCount = byteCount
            self.modifiedNanoseconds = modifiedNanoseconds
        }
    }

    /// The regular files of `directory`, in no order.
    package static func entries(of directory: String) throws(FileError) -> [Entry] {
        guard let stream = opendir(directory) else {
            throw .cannotOpen(path: directory, errno: errno)
        }
        defer { closedir(stream) }
        var entries: [Entry] = []
        while let record = readdir(stream) {
            let name = withUnsafeBytes(of: &record.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            var status = stat()
            guard lstat(directory + "/" + name, &status) == 0,
                status.st_mode & S_IFMT == S_IFREG
            else { continue }
            let blockBytes = 512  // st_blocks counts these, whatever the file system's own are
            entries.append(
                Entry(
                    name: name,
                    byteCount: max(Int(status.st_size), Int(status.st_blocks) * blockBytes),
                    modifiedNanoseconds: FileIdentity(status).modifiedNanoseconds))
        }
        return entries
    }

    /// Throws unless files can be made, read and removed in `directory`.
    package static func checkUsable(_ directory: String) throws(FileError) {
        // With the dot it has to be a directory.
        guard access(directory + "/.", R_OK | W_OK | X_OK) == 0 else {
            throw .cannotWrite(path: directory, errno: errno)
        }
    }

    /// Whether a process writes `path` or has marked it as used, or nothing can be said.
    package static func isInUse(_ path: String) -> Bool { !ifUnused(path) { true } }

    /// Removes `path` unless a process writes it or has marked it as used; whether it is gone.
    package static func removeUnused(_ path: String) -> Bool {
        ifUnused(path) { unlink(path) == 0 } || !exists(path)
    }

    /// What `body` gives while nobody else can use `path`; false where somebody does.
    private static func ifUnused(_ path: String, _ body: () -> Bool) -> Bool {
        // For writing too: without that NFS gives no exclusive lock.
        let descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_EX | LOCK_NB) == 0 && body()
    }

    /// Bytes that this user may still write where `path` is, and bytes of the whole file system.
    package static func space(at path: String) -> (freeByteCount: Int, byteCount: Int)? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        let unit = Int(clamping: status.f_frsize)
        return (unit * Int(clamping: status.f_bavail), unit * Int(clamping: status.f_blocks))
    }
}
