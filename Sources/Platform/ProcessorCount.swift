// SPDX-License-Identifier: Apache-2.0

import CLinux

/// How many threads compute well at once: what the system says of CPUs, and what follows from it.
///
/// Two hardware threads of one core share its units, so only one of them counts. A container's
/// quota is time: threads beyond it are all stopped for the rest of each period.
package struct ProcessorCount: Equatable {
    /// CPUs that the process may run on.
    package var allowed: [Int]
    /// For each of them the CPUs of its core; a CPU that is missing counts as a core.
    package var siblings: [Int: [Int]]
    /// CPU time a period may take, as a multiple of its length; nil without a limit.
    package var quota: Double?

    package init(allowed: [Int], siblings: [Int: [Int]] = [:], quota: Double? = nil) {
        self.allowed = allowed
        self.siblings = siblings
        self.quota = quota
    }

    /// What the files under `root` say, for a process that may run on `allowed`.
    package static func read(
        allowed: [Int] = OSThread.allowedCPUs(), root: String = ""
    ) -> ProcessorCount {
        var siblings: [Int: [Int]] = [:]
        for cpu in allowed {
            let path = "\(root)/sys/devices/system/cpu/cpu\(cpu)/topology/thread_siblings_list"
            siblings[cpu] = SmallFile.read(path).flatMap(cpuList)
        }
        return ProcessorCount(allowed: allowed, siblings: siblings, quota: quota(root: root))
    }

    /// Cores, or what the quota pays for; at least 1.
    package var threadCount: Int {
        let count = cores.count
        guard let quota, quota < Double(count) else { return max(1, count) }
        return max(1, Int(quota.rounded(.up)))
    }

    /// The allowed CPUs of each core, in ascending order of their first.
    package var cores: [[Int]] {
        Dictionary(grouping: allowed) { siblings[$0]?.min() ?? $0 }.values
            .map { $0.sorted() }.sorted { $0[0] < $1[0] }
    }

    /// A list as the kernel writes it, such as "0-3,8"; nil where it is none.
    package static func cpuList(_ text: String) -> [Int]? {
        var result: [Int] = []
        for part in text.trimmed.split(separator: ",") {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard let first = ends[0], let last = ends[ends.count - 1], ends.count <= 2,
                first >= 0, last >= first, last < cpuCountMax
            else { return nil }
            result += Array(first...last)
        }
        return result.isEmpty ? nil : result
    }

    private static let cpuCountMax = Int(CL_CPUS_MAX)

    /// `cpu.max` of control groups' version 2: "max 100000", or a quota and a period.
    package static func quota(cpuMax text: String) -> Double? {
        let words = text.trimmed.split(separator: " ")
        return words.count == 2 ? quota(words[0], period: words[1]) : nil
    }

    /// Both numbers are microseconds; a quota that is no positive number is none.
    package static func quota(
        _ quota: some StringProtocol, period: some StringProtocol
    ) -> Double? {
        guard let quota = Double(quota), let period = Double(period), quota > 0, period > 0 else {
            return nil
        }
        return quota / period
    }

    /// The smallest quota of the process's control group and those around it, in either version.
    private static func quota(root: String) -> Double? {
        var found: [Double] = []
        for line in (SmallFile.read("\(root)/proc/self/cgroup") ?? "").split(separator: "\n") {
            let fields = line.split(
                separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let isUnified = fields[1].isEmpty
            guard isUnified || fields[1].split(separator: ",").contains("cpu") else { continue }
            // Inside a container the group's own path is often mounted as the top.
            for path in surroundings(of: String(fields[2])) {
                found += isUnified ? unified(root, path) : separate(root, path)
            }
        }
        return found.min()
    }

    /// "/a/b" gives "/a/b", "/a" and "".
    private static func surroundings(of path: String) -> [String] {
        var parts = path.split(separator: "/").map(String.init)
        var result = [""]
        while !parts.isEmpty {
            result.append("/" + parts.joined(separator: "/"))
            parts.removeLast()
        }
        return result
    }

    private static func unified(_ root: String, _ path: String) -> [Double] {
        ["", "/unified"].compactMap { mount in
            SmallFile.read("\(root)/sys/fs/cgroup\(mount)\(path)/cpu.max").flatMap {
                quota(cpuMax: $0)
            }
        }
    }

    private static func separate(_ root: String, _ path: String) -> [Double] {
        ["cpu", "cpu,cpuacct"].compactMap { mount in
            let group = "\(root)/sys/fs/cgroup/\(mount)\(path)"
            guard let time = SmallFile.read("\(group)/cpu.cfs_quota_us"),
                let period = SmallFile.read("\(group)/cpu.cfs_period_us")
            else { return nil }
            return quota(time.trimmed, period: period.trimmed)
        }
    }
}

extension String {
    fileprivate var trimmed: Substring {
        drop { $0.isWhitespace }.prefix { $0 != "\n" }
    }
}
