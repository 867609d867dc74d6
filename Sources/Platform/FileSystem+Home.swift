// SPDX-License-Identifier: Apache-2.0

import Glibc

extension FileSystem {
    /// Most bytes of an account's line.
    private static let accountByteCountMax = 16 << 10

    /// `$XDG_CACHE_HOME/caravan`, or `~/.cache/caravan` (XDG Base Directory Specification).
    package static func cacheDirectory() throws(FileError) -> String {
        try directory(variable: "XDG_CACHE_HOME", inHome: ".cache")
    }

    /// `$XDG_STATE_HOME/caravan`, or `~/.local/state/caravan` (the same specification).
    package static func stateDirectory() throws(FileError) -> String {
        try directory(variable: "XDG_STATE_HOME", inHome: ".local/state")
    }

    private static func directory(
        variable: String, inHome standard: String
    ) throws(FileError) -> String {
        if let path = environment(variable), path.hasPrefix("/") { return path + "/caravan" }
        let base = try home(variable: environment("HOME"), user: geteuid())
        return "\(base)/\(standard)/caravan"
    }

    /// `variable`, which is `HOME`, or where that is not set the home of the account `user`.
    ///
    /// Services may come without `HOME`. Nothing that all users can write to takes its place:
    /// others could put there what is looked for.
    package static func home(variable: String?, user: UInt32) throws(FileError) -> String {
        if let variable { return variable }
        guard let path = accountHome(user) else { throw .noHome }
        return path
    }

    private static func accountHome(_ user: UInt32) -> String? {
        var text = [CChar](repeating: 0, count: accountByteCountMax)
        return text.withUnsafeMutableBufferPointer { text -> String? in
            var account = passwd()
            var found: UnsafeMutablePointer<passwd>?
            guard let base = text.baseAddress,
                getpwuid_r(user, &account, base, text.count, &found) == 0, found != nil,
                let path = account.pw_dir
            else { return nil }
            let directory = String(cString: path)
            return directory.hasPrefix("/") ? directory : nil
        }
    }
}
