// SPDX-License-Identifier: Apache-2.0

import Platform
import Testing

struct FileSystemHomeTests {
    /// No account has this number.
    private static let stranger: UInt32 = 4_000_000_007

    @Test func theVariableComesFirst() throws {
        #expect(try FileSystem.home(variable: "/a", user: Self.stranger) == "/a")
        #expect(try FileSystem.home(variable: "/a", user: 0) == "/a")
    }

    /// As in a system's service, for which `HOME` is not set.
    @Test func withoutItTheAccountHasOne() throws {
        let home = try FileSystem.home(variable: nil, user: 0)
        #expect(home.hasPrefix("/") && !home.hasPrefix("/tmp"))
    }

    @Test func withoutBothThereIsNone() {
        #expect(throws: FileError.noHome) {
            try FileSystem.home(variable: nil, user: Self.stranger)
        }
        for word in ["HOME", "--token-file", "--cache"] {
            #expect("\(FileError.noHome)".contains(word))
        }
    }
}
