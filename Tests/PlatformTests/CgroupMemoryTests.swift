// SPDX-License-Identifier: Apache-2.0

import Foundation
import Platform
import TestSupport
import Testing

struct CgroupMemoryTests {
    private let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    private func write(_ path: String, _ text: String) throws {
        let url = URL(filePath: folder.file(path))
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: url, atomically: true, encoding: .utf8)
    }

    private func available(membership: String) throws -> Int? {
        try write("membership", membership)
        return CgroupMemory(mount: folder.file("root"), membership: folder.file("membership"))
            .availableBytes()
    }

    @Test func nothingLimitsWhatIsNotThere() throws {
        #expect(CgroupMemory(mount: "/nowhere", membership: "/nowhere").availableBytes() == nil)
        #expect(try available(membership: "nonsense\n0::\n:::::\n0::/a/b\n") == nil)
    }

    @Test func theNarrowestLevelCounts() throws {
        try write("root/memory.max", "max\n")
        try write("root/a/memory.max", "1000\n")
        try write("root/a/memory.current", "300\n")
        try write("root/a/b/memory.max", "900\n")
        try write("root/a/b/memory.current", "100\n")
        #expect(try available(membership: "0::/a/b\n") == 700)
        #expect(try available(membership: "0::/\n") == nil)
    }

    @Test func filePagesCanBeTakenBack() throws {
        try write("root/a/memory.max", "1000\n")
        try write("root/a/memory.current", "950\n")
        try write("root/a/memory.stat", "anon 350\ninactive_file 200\nactive_file 400\n")
        #expect(try available(membership: "0::/a\n") == 650)
    }

    /// At each level, whichever of the two is lower.
    @Test(arguments: [("max", "800", 500), ("900", "800", 500), ("800", "900", 500)])
    func whatSlowsDownIsALimitToo(most: String, high: String, left: Int) throws {
        try write("root/a/memory.max", most + "\n")
        try write("root/a/memory.high", high + "\n")
        try write("root/a/memory.current", "300\n")
        try write("root/a/b/memory.max", "max\n")
        try write("root/a/b/memory.high", "max\n")
        #expect(try available(membership: "0::/a/b\n") == left)
    }

    @Test func versionOneIsReadToo() throws {
        try write("root/memory/a/memory.limit_in_bytes", "5000\n")
        try write("root/memory/a/memory.usage_in_bytes", "4000\n")
        try write(
            "root/memory/a/memory.stat",
            "inactive_file 1\nactive_file 2\ntotal_inactive_file 300\ntotal_active_file 200\n")
        // What stands there where there is no limit.
        try write("root/memory/memory.limit_in_bytes", "9223372036854771712\n")
        let lines = "12:cpu,cpuacct:/x\n7:memory:/a\n0::/unified\n"
        #expect(try available(membership: lines) == 1_500)
    }
}
