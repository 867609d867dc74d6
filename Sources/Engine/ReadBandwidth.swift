// SPDX-License-Identifier: Apache-2.0

import CKernels
import Platform

/// How fast this machine reads memory: the bound on decoding, where each token reads all weights.
package enum ReadBandwidth {
    /// Larger than any cache in use.
    package static let byteCount = 512 << 20
    private static let chunkByteCount = 1 << 20
    private static let passCount = 5
    /// With fewer it is no memory that is read, but a cache.
    private static let byteCountMin = 16 << 20

    /// Bytes to read where no more than `room` may be taken: a multiple of 1 MiB.
    package static func byteCount(room: Int) -> Int {
        max(byteCountMin, min(byteCount, room / chunkByteCount * chunkByteCount))
    }

    /// Bytes per second that `threadCount` threads read together, from huge pages where the system
    /// has them: in a few passes over `byteCount` bytes, a multiple of 1 MiB. It is what they got
    /// on the whole, not the best of the passes: beside it stand runs that take what they get too.
    package static func measure(
        threadCount: Int, byteCount: Int = byteCount
    ) throws(EngineError) -> Double {
        precondition(byteCount > 0 && byteCount % chunkByteCount == 0)
        let memory = try AnonymousMemory(byteCount: byteCount, hugePages: true)
        let team = try ComputeTeam(threadCount: threadCount)
        let words = memory.pointer(at: 0, as: UInt64.self)
        let wordCount = chunkByteCount / 8
        let chunkCount = byteCount / chunkByteCount
        nonisolated(unsafe) let base = words
        // Pages that were never written all read the same page of zeros.
        team.run(chunkCount) { chunk, _ in
            (base + chunk * wordCount).update(repeating: 1, count: wordCount)
        }
        let start = MonotonicClock.now()
        for _ in 0..<passCount {
            team.run(chunkCount) { chunk, _ in
                let sum = ck_read(base + chunk * wordCount, chunkByteCount)
                precondition(sum == UInt64(wordCount))
            }
        }
        return Double(passCount * byteCount) / max((MonotonicClock.now() - start).seconds, 1e-9)
    }
}
