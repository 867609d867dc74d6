// SPDX-License-Identifier: Apache-2.0

import Glibc

extension FileSystem {
    /// What stands under a name.
    package enum Kind: Sendable {
        case file
        case directory
        /// Symbolic; what it names need not be there.
        case link
        /// A device, a pipe or a socket.
        case special
    }

    /// What stands under `path` itself, links not followed; nil where nothing can be seen there.
    package static func kind(_ path: String) -> Kind? {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return .file
        case S_IFDIR: return .directory
        case S_IFLNK: return .link
        default: return .special
        }
    }
}
