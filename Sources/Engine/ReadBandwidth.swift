// SPDX-License-Identifier: Apache-2.0

import CKernels
import Platform

/// How fast this machine reads memory: the bound on decoding, where each token reads all weights.
package enum ReadBandwidth {
    /// Larger than any cache in use.
    package static let byteCount = 512 << 20
    private static let chunkByteCount = 1 << 20
    private static let passCount = 5

    /// Bytes per second that `threadCount` threads read together, from huge pages where the system
    /// has them: the best of a few passes over `byteCount` bytes, a multiple of 1 MiB.
    package static func measure(
        threadCount: Int, byteCount: Int = byteCount
    ) throws(EngineError) -> Double {
        precondition(byteCount > 0 && byteCount % chunkByteCount == 0)
        let memory = try AnonymousMemory(byteCount: byteCount, hugePages: true)
        let team = ComputeTeam(threadCount: threadCount)
        let words = memory.pointer(at: 0, as: UInt64.self)
        let wordCount = chunkByteCount / 8
        let chunkCount = byteCount / chunkByteCount
        nonisolated(unsafe) let base = words
        // Pages that were never written all read the same page of zeros.
        team.run(chunkCount) { chunk, _ in
            (base + chunk * wordCount).update(repeating: 1, count: wordCount)
        }
        var best = Duration.seconds(Int64.max / 4)
        for _ in 0..<passCount {
            let start = MonotonicClock.now()
            team.run(chunkCount) { chunk, _ in
                let sum = ck_read(base + chunk * wordCount, chunkByteCount)
                precondition(sum == UInt64(wordCount))
            }
            best = min(best, MonotonicClock.now() - start)
        }
        return Double(byteCount) / max(best.seconds, 1e-9)
    }
}
