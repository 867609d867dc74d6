// SPDX-License-Identifier: Apache-2.0

/// What the control groups of this process leave it of the machine's memory.
///
/// A limit may stand at any level above a process, so all are looked at. Source: the kernel's
/// Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst.
package struct CgroupMemory: Sendable {
    private let mount: String
    private let membership: String

    /// `mount` and `membership` are for tests.
    package init(mount: String = "/sys/fs/cgroup", membership: String = "/proc/self/cgroup") {
        self.mount = mount
        self.membership = membership
    }

    /// Names of the files and of the part of the use that the kernel would take back.
    private struct Version {
        let limit: String
        let used: String
        let reclaimable: String

        static let two = Version(
            limit: "memory.max", used: "memory.current", reclaimable: "inactive_file")
        static let one = Version(
            limit: "memory.limit_in_bytes", used: "memory.usage_in_bytes",
            reclaimable: "total_inactive_file")
    }

    /// Bytes that may still be taken; nil where nothing limits them.
    package func availableBytes() -> Int? {
        var least: Int?
        // `ID:CONTROLLERS:PATH` a line; version 2 has the id 0 and no controllers.
        for line in (SmallFile.read(membership) ?? "").split(separator: "\n") {
            let fields = line.split(
                separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let rooms: [Int]
            if fields[0] == "0", fields[1].isEmpty {
                rooms = self.rooms(root: mount, path: fields[2], .two)
            } else if fields[1].split(separator: ",").contains("memory") {
                rooms = self.rooms(root: mount + "/memory", path: fields[2], .one)
            } else {
                continue
            }
            for room in rooms { least = min(least ?? room, room) }
        }
        return least
    }

    /// What is left at each level that has a limit, the root's included: inside a container the
    /// container's own group stands there.
    private func rooms(root: String, path: Substring, _ version: Version) -> [Int] {
        var rooms: [Int] = []
        var folder = root
        for part in [""] + path.split(separator: "/").map({ "/" + $0 }) {
            guard part != "/.." else { break }
            folder += part
            guard let limit = integer("\(folder)/\(version.limit)"), limit < Int.max / 2 else {
                continue
            }
            let used = integer("\(folder)/\(version.used)") ?? 0
            let reclaimable = reclaimable(folder, version)
            rooms.append(max(0, limit - max(0, used - reclaimable)))
        }
        return rooms
    }

    private func reclaimable(_ folder: String, _ version: Version) -> Int {
        for line in (SmallFile.read("\(folder)/memory.stat") ?? "").split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, words[0] == version.reclaimable { return Int(words[1]) ?? 0 }
        }
        return 0
    }

    private func integer(_ path: String) -> Int? {
        SmallFile.read(path)?.split(separator: "\n").first.flatMap { Int($0) }
    }
}
