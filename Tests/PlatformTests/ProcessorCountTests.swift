// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Platform
import TestSupport
import Testing

@Suite struct ProcessorCountTests {
    @Test(
        arguments: [
            ("", nil), ("\n", nil), ("a", nil), ("3-1", nil), ("1-2-3", nil), ("-1", nil),
            ("0-99999999999", nil), ("0-9999999", nil), ("1,", [1]), ("0\n", [0]),
            ("0-3,8\n", [0, 1, 2, 3, 8]), ("0,64\n", [0, 64]),
        ] as [(String, [Int]?)])
    func cpuLists(text: String, cpus: [Int]?) {
        #expect(ProcessorCount.cpuList(text) == cpus)
    }

    @Test(
        arguments: [
            ("", nil), ("max 100000\n", nil), ("max", nil), ("200000", nil), ("0 100000", nil),
            ("-1 100000", nil), ("5 0", nil), ("150000 100000\n", 1.5), ("50000 100000", 0.5),
        ] as [(String, Double?)])
    func quotas(text: String, quota: Double?) {
        #expect(ProcessorCount.quota(cpuMax: text) == quota)
    }

    @Test func hardwareThreadsOfOneCoreCountOnce() {
        let siblings = [0: [0, 4], 1: [1, 5], 4: [0, 4], 5: [1, 5]]
        #expect(ProcessorCount(allowed: [0, 1, 4, 5], siblings: siblings).threadCount == 2)
        // Only the second threads of two cores are allowed.
        #expect(ProcessorCount(allowed: [4, 5], siblings: siblings).threadCount == 2)
        #expect(ProcessorCount(allowed: [0, 4], siblings: siblings).threadCount == 1)
        #expect(ProcessorCount(allowed: [0, 1, 2]).threadCount == 3)
        #expect(ProcessorCount(allowed: []).threadCount == 1)
    }

    @Test(arguments: [(0.1, 1), (1.0, 1), (1.5, 2), (3.0, 3), (3.2, 4), (64.0, 4)])
    func quotaIsRoundedUp(quota: Double, threadCount: Int) {
        let count = ProcessorCount(allowed: [0, 1, 2, 3], quota: quota)
        #expect(count.threadCount == threadCount)
    }

    @Test func emptySystemSaysNothing() throws {
        let directory = try TemporaryDirectory()
        let count = ProcessorCount.read(allowed: [0, 1], root: directory.path)
        #expect(count == ProcessorCount(allowed: [0, 1]))
    }

    @Test func readsTopologyAndUnifiedGroup() throws {
        let directory = try TemporaryDirectory()
        for cpu in 0..<4 {
            try directory.put(
                "\(cpu % 2),\(cpu % 2 + 2)\n",
                at: "sys/devices/system/cpu/cpu\(cpu)/topology/thread_siblings_list")
        }
        let cores = ProcessorCount.read(allowed: [0, 1, 2, 3], root: directory.path)
        #expect(cores.threadCount == 2)
        try directory.put("0::/a/b\n", at: "proc/self/cgroup")
        try directory.put("max 100000\n", at: "sys/fs/cgroup/a/b/cpu.max")
        try directory.put("100000 100000\n", at: "sys/fs/cgroup/a/cpu.max")
        let limited = ProcessorCount.read(allowed: [0, 1, 2, 3], root: directory.path)
        #expect(limited.quota == 1)
        #expect(limited.threadCount == 1)
    }

    @Test func readsSeparateGroup() throws {
        let directory = try TemporaryDirectory()
        try directory.put("4:memory:/x\n3:cpu,cpuacct:/docker/1\n0::/\n", at: "proc/self/cgroup")
        let group = "sys/fs/cgroup/cpu,cpuacct"
        try directory.put("-1\n", at: group + "/docker/cpu.cfs_quota_us")
        try directory.put("100000\n", at: group + "/docker/cpu.cfs_period_us")
        try directory.put("250000\n", at: group + "/docker/1/cpu.cfs_quota_us")
        try directory.put("100000\n", at: group + "/docker/1/cpu.cfs_period_us")
        let count = ProcessorCount.read(allowed: Array(0..<8), root: directory.path)
        #expect(count.quota == 2.5)
        #expect(count.threadCount == 3)
    }

    @Test func coresHaveTheirCPUs() {
        let siblings = [0: [0, 4], 4: [0, 4], 1: [1, 5], 5: [1, 5], 2: [2, 6]]
        #expect(
            ProcessorCount(allowed: [5, 4, 2, 1, 0, 9], siblings: siblings).cores
                == [[0, 4], [1, 5], [2], [9]])
        #expect(ProcessorCount(allowed: [3, 2]).cores == [[2], [3]])
    }

    @Test func thisMachineHasAThread() {
        let count = ProcessorCount.read()
        #expect(count.threadCount >= 1)
        #expect(count.threadCount <= max(1, OSThread.allowedCPUs().count))
    }
}
