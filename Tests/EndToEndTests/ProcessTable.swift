// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

/// What is running on this machine on a test's behalf.
enum ProcessTable {
    /// Environment variable that a test's processes carry, and hand down to their children.
    static let mark = "CARAVAN_TEST_PROCESS"

    /// The living processes that `directory`'s test started, directly or not.
    static func living(_ directory: TemporaryDirectory) -> [Int32] {
        let wanted = Array("\(mark)=\(directory.path)\0".utf8)
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return entries.compactMap(Int32.init).filter { process in
            let environment = FileManager.default.contents(atPath: "/proc/\(process)/environ")
            return environment?.firstRange(of: Data(wanted)) != nil
        }
    }

    /// The most memory that a process ever had resident, in bytes.
    static func peakBytes(_ process: Int32) -> Int { bytes("VmHWM:", process) }

    /// The address space that a process has taken, in bytes.
    static func addressBytes(_ process: Int32) -> Int { bytes("VmSize:", process) }

    private static func bytes(_ name: String, _ process: Int32) -> Int {
        let text = FileManager.default.contents(atPath: "/proc/\(process)/status") ?? Data()
        let line = String(decoding: text, as: UTF8.self).split(separator: "\n")
            .first { $0.hasPrefix(name) }
        return (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 1024
    }

    /// Private memory of a process in bytes, as the kernel counts it.
    static func privateBytes(_ process: Int32) -> Int {
        let path = "/proc/\(process)/smaps_rollup"
        let text = FileManager.default.contents(atPath: path) ?? Data()
        return String(decoding: text, as: UTF8.self).split(separator: "\n")
            .filter { $0.hasPrefix("Private_") }
            .compactMap { $0.split(separator: " ").dropFirst().first.flatMap { Int($0) } }
            .reduce(0, +) * 1024
    }
}
