// SPDX-License-Identifier: Apache-2.0

package import Control
import Platform
import Wire

extension Link {
    /// Sends probes and waits for their answers: the link's round trip and throughput.
    ///
    /// Takes at most `ClusterLimits.probePatience`; nil if the peer does not answer in time. Once
    /// in a link's life, by the side that opened it, while nothing else is on its way.
    package func measurePath() -> NetworkPath? {
        var probe = LinkProbe()
        let start = MonotonicClock.now()
        let deadline = start + ClusterLimits.probePatience
        while let count = probe.nextByteCount(elapsed: (MonotonicClock.now() - start).seconds),
            let id = probes.nextID()
        {
            let message = Message.probe(Probe(filler: Self.filler(count)))
            let sent = MonotonicClock.now()
            guard send(Frame(epoch: 0, id: id, message: message)),
                let answered = probes.answer(to: id, by: deadline)
            else { break }
            probe.answered(seconds: (answered - sent).seconds)
        }
        return probe.path
    }

    /// Bytes that nothing on the way can compress, by a linear congruential generator (Knuth's
    /// MMIX).
    private static func filler(_ count: Int) -> [UInt8] {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, written in
            for index in 0..<count {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                buffer[index] = UInt8(truncatingIfNeeded: state >> 56)
            }
            written = count
        }
    }
}
