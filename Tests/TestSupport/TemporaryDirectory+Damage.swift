// SPDX-License-Identifier: Apache-2.0

import Glibc
import Platform

extension TemporaryDirectory {
    /// Writes over the beginning of a file that may be mapped, without replacing it.
    package func overwrite(_ bytes: [UInt8], in name: String) throws {
        let descriptor = open(file(name), O_WRONLY)
        guard descriptor >= 0, Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw FileError.cannotWrite(path: file(name), errno: errno)
        }
        close(descriptor)
    }

    /// Removes the empty directory `name`.
    package func removeDirectory(_ name: String) throws {
        guard rmdir(file(name)) == 0 else {
            throw FileError.cannotWrite(path: file(name), errno: errno)
        }
    }
}
