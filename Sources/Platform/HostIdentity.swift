// SPDX-License-Identifier: Apache-2.0

/// Which machine this is: processes that share its memory and its cores find the same answer.
package enum HostIdentity {
    /// 16 bytes that the running kernel's boot id gives; nil where there is none.
    ///
    /// Hashed, since it leaves the machine. The same in all containers of a machine, and another
    /// after its next start.
    package static func bytes() -> [UInt8]? {
        guard let id = SmallFile.read("/proc/sys/kernel/random/boot_id"), !id.isEmpty else {
            return nil
        }
        var hash = SHA256()
        hash.update(Array("caravan host \(id)".utf8))
        return Array(hash.finish().prefix(16))
    }
}
