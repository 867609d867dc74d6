// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The file that keeps a cluster token: one line, which its owner alone can read.
package enum TokenFile {
    /// Stands for standard input where a path is asked for.
    package static let standardInput = "-"
    /// Far more than a token's line has.
    private static let byteCountMax = 4096

    /// Where the token is unless another file is named: `token` in the state directory.
    package static func standardPath() throws(TokenFileError) -> String {
        do throws(FileError) { return try FileSystem.stateDirectory() + "/token" } catch {
            throw .noDirectory(error)
        }
    }

    /// The token in the file at `path`, or on the first line of standard input if that is `-`.
    ///
    /// A file that is not `isNamed`, but is where one is looked for anyway, must be the user's own.
    package static func read(
        _ path: String, isNamed: Bool = true
    ) throws(TokenFileError) -> ClusterToken {
        if path == standardInput { return try token(in: readLine(STDIN_FILENO), path) }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw errno == ENOENT ? .missing(path) : .unreadable(path, errno: errno)
        }
        defer { close(descriptor) }
        try checkIsPrivate(descriptor, path, isNamed: isNamed)
        return try token(in: readLine(descriptor), path)
    }

    /// The token at the standard path `path`, made if there is no file there yet; `isNew` tells.
    package static func readOrMake(
        _ path: String
    ) throws(TokenFileError) -> (token: ClusterToken, isNew: Bool) {
        do throws(TokenFileError) {
            return (try read(path, isNamed: false), false)
        } catch .missing {
            return try make(path)
        }
    }

    /// Writes a fresh token in full under another name and links it into place, so that of two
    /// processes that start at once one makes the token and both have it.
    private static func make(
        _ path: String
    ) throws(TokenFileError) -> (token: ClusterToken, isNew: Bool) {
        let token = ClusterToken()
        let temporary = "\(path).\(String(Randomness.word(), radix: 16)).new"
        if let slash = path.lastIndex(of: "/"), slash > path.startIndex {
            do throws(FileError) {
                try FileSystem.makeDirectory(String(path[..<slash]))
            } catch {
                throw .noDirectory(error)
            }
        }
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC
        let descriptor = open(temporary, flags, 0o600)
        guard descriptor >= 0 else { throw .cannotMake(path, errno: errno) }
        defer { unlink(temporary) }
        let line = Array("\(token.text)\n".utf8)
        let put = line.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        let isWritten = put == line.count && fsync(descriptor) == 0
        let reason = put < 0 || put == line.count ? errno : ENOSPC
        close(descriptor)
        guard isWritten else { throw .cannotMake(path, errno: reason) }
        if link(temporary, path) == 0 { return (token, true) }
        guard errno == EEXIST else { throw .cannotMake(path, errno: errno) }
        return (try read(path, isNamed: false), false)
    }

    /// Whoever can read the token can join, so a file that others may read keeps no secret. A named
    /// file of another owner is one that was handed out on purpose, such as a credential of
    /// systemd, whose group bits stand for its access list: there the group may read. One that was
    /// not named may have been put there by its owner, who then knows it.
    private static func checkIsPrivate(
        _ descriptor: Int32, _ path: String, isNamed: Bool
    ) throws(TokenFileError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .unreadable(path, errno: errno) }
        guard status.st_mode & S_IFMT != S_IFDIR else { throw .unreadable(path, errno: EISDIR) }
        let isOwn = status.st_uid == geteuid()
        guard isOwn || isNamed else { throw .foreign(path, owner: status.st_uid) }
        let forbidden: mode_t = isOwn ? 0o077 : 0o027
        guard status.st_mode & forbidden == 0 else {
            throw .exposed(path, mode: UInt32(status.st_mode & 0o777))
        }
    }

    private static func token(
        in line: String?, _ path: String
    ) throws(TokenFileError) -> ClusterToken {
        guard let line else { throw .unreadable(path, errno: EIO) }
        do throws(ClusterTokenFault) { return try ClusterToken(line) } catch {
            throw .noToken(path, error)
        }
    }

    /// The first line, byte by byte: what comes after it on standard input is not for this.
    private static func readLine(_ descriptor: Int32) -> String? {
        var bytes: [UInt8] = []
        while bytes.count < byteCountMax {
            var byte: UInt8 = 0
            let got = Glibc.read(descriptor, &byte, 1)
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { return nil }
            guard got == 1, byte != UInt8(ascii: "\n") else { break }
            bytes.append(byte)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Why there is no cluster token. The token itself is never part of it.
package enum TokenFileError: Error, Equatable, CustomStringConvertible {
    case missing(String)
    case unreadable(String, errno: Int32)
    case exposed(String, mode: UInt32)
    /// Another user's, and not named.
    case foreign(String, owner: UInt32)
    case noToken(String, ClusterTokenFault)
    case cannotMake(String, errno: Int32)
    case noDirectory(FileError)

    package var description: String {
        switch self {
        case .missing(let path):
            "there is no cluster token in \(path); copy the coordinator's token file here and "
                + "name it with --token-file"
        case .unreadable(let path, let errno):
            "cannot read the cluster token from \(name(path)): \(systemMessage(errno))"
        case .exposed(let path, let mode):
            "the token file \(path) can be read by others (mode 0\(String(mode, radix: 8))); "
                + "make it yours alone: chmod 600 \(path)"
        case .foreign(let path, let owner):
            "the token file \(path) belongs to another user (number \(owner)); remove it, or if it "
                + "is the right one, name it: --token-file \(path)"
        case .noToken(let path, .notAToken):
            "there is no cluster token in \(name(path)); copy the coordinator's token file, or "
                + "make a token with 'caravan token new'"
        case .noToken(let path, .unknownForm):
            "the cluster token in \(name(path)) has a form unknown to this release; "
                + "run the same release on all machines"
        case .noToken(let path, .mistyped):
            "the cluster token in \(name(path)) is damaged; copy it again, in full"
        case .cannotMake(let path, let errno):
            "cannot make the token file \(path): \(systemMessage(errno)); "
                + "name another place with --token-file"
        case .noDirectory(let error): "no place for the cluster token: \(error)"
        }
    }

    private func name(_ path: String) -> String {
        path == TokenFile.standardInput ? "standard input" : path
    }
}
