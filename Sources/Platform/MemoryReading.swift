// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What the kernel says of memory, in bytes; 0 where it says nothing.
package enum MemoryReading {
    /// Pages of this process in memory, file pages included.
    package static func residentBytes() -> Int {
        kibibytes(of: "VmRSS:", in: "/proc/self/status")
    }

    /// The most that `residentBytes` has been since the process began or `forgetPeak` was called.
    package static func peakResidentBytes() -> Int {
        kibibytes(of: "VmHWM:", in: "/proc/self/status")
    }

    /// Lets `peakResidentBytes` begin anew; a kernel that does not know how keeps the old peak.
    package static func forgetPeak() {
        let descriptor = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = write(descriptor, "5", 1)
        close(descriptor)
    }

    /// Pages that belong to this process alone: what it really costs the machine. The kernel looks
    /// at all that is mapped for it, which takes milliseconds and with a large file more.
    package static func privateBytes() -> Int {
        let text = SmallFile.read("/proc/self/smaps_rollup") ?? ""
        return kibibytes(of: "Private_Dirty:", inText: text) + kibibytes(of: "Swap:", inText: text)
    }

    /// What a new process may use: the machine's available memory, or less under a limit of a
    /// control group.
    package static func availableBytes() -> Int {
        let machine = kibibytes(of: "MemAvailable:", in: "/proc/meminfo")
        return min(machine, CgroupMemory().availableBytes() ?? machine)
    }

    private static func kibibytes(of key: String, in path: String) -> Int {
        kibibytes(of: key, inText: SmallFile.read(path) ?? "")
    }

    private static func kibibytes(of key: String, inText text: String) -> Int {
        for line in text.split(separator: "\n") where line.hasPrefix(key) {
            let words = line.split(separator: " ")
            return words.count > 1 ? (Int(words[1]) ?? 0) * 1024 : 0
        }
        return 0
    }
}
