// SPDX-License-Identifier: Apache-2.0

import Cluster
import Platform

/// What options are when they are not given.
enum Defaults {
    /// 80 % of what is free, in steps that stay the same from one start to the next.
    static var memoryBudgetBytes: Int {
        let free = MemoryReading.availableBytes() / 10 * 8
        let step = 256 << 20
        return free > 4 * step ? free / step * step : free
    }
    static var threadCount: Int { ProcessorCount.read().threadCount }
}

extension Syntax.Option {
    /// Of a command that computes in this process, or in local workers that share the cores.
    static let threads = Syntax.Option(
        "--threads", "N",
        "compute threads, of each local worker if there are any (default one a core in all)")
    /// Of a command that may start local workers.
    static let cache = Syntax.Option(
        "--cache", "DIR",
        "where the model's digests and local workers' blobs are kept (default as a worker's)")
}

extension Options {
    static let threadCountMax = 1024

    /// `--threads`, or this process's part of the cores that it and `sharers - 1` others may use.
    func threadCount(sharers: Int = 1) throws(UsageError) -> Int {
        try integer("--threads", in: 1...Self.threadCountMax)
            ?? max(1, Defaults.threadCount / max(1, sharers))
    }

    /// `--cache`, or the standard place. To be asked only where there is a cache: who has no home
    /// has no such place.
    func cacheDirectory() throws(FileError) -> String {
        if let path = text("--cache") { return path }
        return try FileSystem.cacheDirectory() + "/blobs"
    }
}
