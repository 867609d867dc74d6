// SPDX-License-Identifier: Apache-2.0

/// Decides what to send over a link to find its round trip and throughput (PROTOCOL.md, section 5).
///
/// Each probe carries more than the one before, so that a fast link shows what it can and a slow
/// one is not kept busy: the measurement ends before a probe that would last beyond `timeMax`.
/// Times are seconds.
package struct LinkProbe: Sendable {
    package static let timeMax = 0.2
    /// Bytes of each probe, 848 KiB in all; those without any give the round trip.
    private static let sizes = [0, 0, 16 << 10, 64 << 10, 256 << 10, 512 << 10]
    /// Of an answer's time, the least that counts as the bytes': a round trip varies.
    private static let leastShare = 0.1

    private var index = 0
    private var roundTrip = Double.infinity
    /// The latest answer with bytes.
    private var latest: (byteCount: Int, seconds: Double)?

    package init() {}

    /// Bytes of the next probe, `elapsed` after the start; nil when it is over.
    package func nextByteCount(elapsed: Double) -> Int? {
        guard index < Self.sizes.count else { return nil }
        let size = Self.sizes[index]
        let expected: Double =
            if let latest {
                latest.seconds * Double(size) / Double(latest.byteCount)
            } else {
                index == 0 ? 0 : roundTrip
            }
        return elapsed + expected <= Self.timeMax ? size : nil
    }

    /// The probe asked for last was answered after this time.
    package mutating func answered(seconds: Double) {
        precondition(index < Self.sizes.count, "no probe was asked for")
        let size = Self.sizes[index]
        index += 1
        if size == 0 {
            roundTrip = min(roundTrip, seconds)
        } else {
            latest = (size, max(seconds - roundTrip, seconds * Self.leastShare))
        }
    }

    /// What was found; nil before anything with bytes was answered.
    package var path: NetworkPath? {
        guard let latest, latest.seconds > 0 else { return nil }
        return NetworkPath(
            roundTripSeconds: roundTrip,
            bytesPerSecond: Double(latest.byteCount) / latest.seconds)
    }
}
