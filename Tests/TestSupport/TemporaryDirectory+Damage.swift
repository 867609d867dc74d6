// SPDX-License-Identifier: Apache-2.0

import Glibc
import Platform

extension TemporaryDirectory {
    /// Writes over a part of a file that may be mapped, without replacing it.
    package func overwrite(_ bytes: [UInt8], in name: String, at offset: Int = 0) throws {
        let descriptor = open(file(name), O_WRONLY)
        guard descriptor >= 0, pwrite(descriptor, bytes, bytes.count, offset) == bytes.count else {
            throw FileError.cannotWrite(path: file(name), errno: errno)
        }
        close(descriptor)
    }

    /// Cuts the file `name` to `byteCount` without replacing it.
    package func cut(_ name: String, to byteCount: Int) throws {
        guard truncate(file(name), byteCount) == 0 else {
            throw FileError.cannotWrite(path: file(name), errno: errno)
        }
    }

    /// Sets the file's time of modification.
    package func setModified(_ name: String, seconds: Int) throws {
        let time = timespec(tv_sec: seconds, tv_nsec: 0)
        guard utimensat(AT_FDCWD, file(name), [time, time], 0) == 0 else {
            throw FileError.cannotWrite(path: file(name), errno: errno)
        }
    }

    /// Makes a symbolic link to `target`, which need not exist.
    package func link(_ target: String, as name: String) throws {
        guard symlink(target, file(name)) == 0 else {
            throw FileError.cannotWrite(path: file(name), errno: errno)
        }
    }

    /// Removes the empty directory `name`.
    package func removeDirectory(_ name: String) throws {
        guard rmdir(file(name)) == 0 else {
            throw FileError.cannotWrite(path: file(name), errno: errno)
        }
    }
}
