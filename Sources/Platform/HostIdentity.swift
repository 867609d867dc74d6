// SPDX-License-Identifier: Apache-2.0

/// Which machine this is: processes that share its memory and its cores find the same answer.
///
/// Answers are 16 bytes, hashed from the running kernel's boot id since they leave the machine: the
/// same in all its containers, and another after its next start. nil where there is no boot id.
package enum HostIdentity {
    /// Of the whole machine.
    package static func machine(root: String = "") -> [UInt8]? { bytes(root, part: "") }

    /// Of what a process may use of it. One that is kept to some of the CPUs, such as those of a
    /// socket, shares cores and memory's speed only with those kept to the same.
    package static func part(
        allowed: [Int] = OSThread.allowedCPUs(), root: String = ""
    ) -> [UInt8]? {
        let online = SmallFile.read("\(root)/sys/devices/system/cpu/online")
            .flatMap(ProcessorCount.cpuList)
        guard let online, Set(allowed).isStrictSubset(of: online) else {
            return machine(root: root)
        }
        let list = allowed.sorted().map(String.init).joined(separator: ",")
        return bytes(root, part: " CPUs \(list)")
    }

    private static func bytes(_ root: String, part: String) -> [UInt8]? {
        guard let id = SmallFile.read("\(root)/proc/sys/kernel/random/boot_id"), !id.isEmpty else {
            return nil
        }
        var hash = SHA256()
        hash.update(Array("caravan host \(id)\(part)".utf8))
        return Array(hash.finish().prefix(16))
    }
}
