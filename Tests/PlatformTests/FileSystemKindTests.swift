// SPDX-License-Identifier: Apache-2.0

import Glibc
import Platform
import TestSupport
import Testing

struct FileSystemKindTests {
    @Test func linksAreNotFollowed() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write([1], to: "file")
        try directory.link(path, as: "link")
        try directory.link(directory.file("nothing"), as: "dangling")
        #expect(mkfifo(directory.file("pipe"), 0o600) == 0)
        #expect(FileSystem.kind(path) == .file)
        #expect(FileSystem.kind(directory.path) == .directory)
        #expect(FileSystem.kind(directory.file("link")) == .link)
        #expect(FileSystem.kind(directory.file("dangling")) == .link)
        #expect(FileSystem.kind(directory.file("pipe")) == .special)
        #expect(FileSystem.kind("/dev/null") == .special)
        #expect(FileSystem.kind(directory.file("nothing")) == nil)
    }
}
