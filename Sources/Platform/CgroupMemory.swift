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

    /// Names of the files, and of the parts of the use that the kernel would take back.
    private struct Version {
        /// Beyond `memory.high` nothing is ended, but everything crawls: systemd's MemoryHigh.
        let limits: [String]
        let used: String
        /// The files' pages. What was read twice is active, and goes as readily as the rest.
        let reclaimable: [Substring]

        static let two = Version(
            limits: ["memory.max", "memory.high"], used: "memory.current",
            reclaimable: ["inactive_file", "active_file"])
        static let one = Version(
            limits: ["memory.limit_in_bytes"], used: "memory.usage_in_bytes",
            reclaimable: ["total_inactive_file", "total_active_file"])
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
            let limits = version.limits.compactMap { integer("\(folder)/\($0)") }
            guard let limit = limits.min(), limit < Int.max / 2 else { continue }
            let used = integer("\(folder)/\(version.used)") ?? 0
            let reclaimable = reclaimable(folder, version)
            rooms.append(max(0, limit - max(0, used - reclaimable)))
        }
        return rooms
    }

    private func reclaimable(_ folder: String, _ version: Version) -> Int {
        let lines = (SmallFile.read("\(folder)/memory.stat") ?? "").split(separator: "\n")
        return lines.reduce(0) { sum, line in
            let words = line.split(separator: " ")
            guard words.count == 2, version.reclaimable.contains(words[0]) else { return sum }
            return sum + (Int(words[1]) ?? 0)
        }
    }

    private func integer(_ path: String) -> Int? {
        SmallFile.read(path)?.split(separator: "\n").first.flatMap { Int($0) }
    }
}
