// SPDX-License-Identifier: Apache-2.0

import Glibc
import Platform
import TestSupport
import Testing

struct FileLockTests {
    private func isFree(_ path: String) -> Bool {
        if FileLock(path: path, timeout: .milliseconds(20)) != nil { true } else { false }
    }

    @Test func oneHoldsItAtATime() throws {
        let directory = try TemporaryDirectory()
        try directory.put("", at: "held")
        let path = directory.file("held")
        #expect(chmod(path, 0o444) == 0)
        if let lock = FileLock(path: path, timeout: .zero) {
            #expect(!isFree(path))
            _ = lock
        } else {
            Issue.record("nobody holds it")
        }
        #expect(isFree(path))
    }

    @Test func noFileNoLock() throws {
        let directory = try TemporaryDirectory()
        #expect(!isFree(directory.file("nothing")))
        #expect(try FileSystem.entries(of: directory.path).isEmpty)
    }

    /// What workers of one machine take turns by.
    @Test func aProgramsOwnFileCanBeHeld() {
        if FileLock(path: "/proc/self/exe", timeout: .seconds(5)) == nil {
            Issue.record("nobody else holds it for long")
        }
    }
}
