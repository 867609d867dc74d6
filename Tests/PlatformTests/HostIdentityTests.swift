// SPDX-License-Identifier: Apache-2.0

import Platform
import TestSupport
import Testing

struct HostIdentityTests {
    private let root: TemporaryDirectory

    init() throws {
        root = try TemporaryDirectory()
        try root.put("0-3\n", at: "sys/devices/system/cpu/online")
        try root.put("1d3f-77\n", at: "proc/sys/kernel/random/boot_id")
    }

    private func part(_ allowed: [Int]) -> [UInt8]? {
        HostIdentity.part(allowed: allowed, root: root.path)
    }

    @Test func whoMayUseAllCPUsSharesTheMachine() {
        let machine = HostIdentity.machine(root: root.path)
        #expect(machine?.count == 16)
        #expect(part([0, 1, 2, 3]) == machine)
        #expect(part([3, 1, 0, 2]) == machine)
        // Some have gone offline since.
        #expect(part([0, 1, 2, 3, 4]) == machine)
    }

    @Test func whoIsKeptToAPartSharesIt() {
        let machine = HostIdentity.machine(root: root.path)
        #expect(part([0, 1])?.count == 16)
        #expect(part([0, 1]) == part([1, 0]))
        #expect(Set([machine, part([0, 1]), part([2, 3]), part([0])]).count == 4)
    }

    @Test func withoutABootIDThereIsNone() throws {
        let bare = try TemporaryDirectory()
        #expect(HostIdentity.machine(root: bare.path) == nil)
        #expect(HostIdentity.part(allowed: [0], root: bare.path) == nil)
    }
}
