// SPDX-License-Identifier: Apache-2.0

import Control
import Testing
import Wire

@Suite struct LinkProbeTests {
    /// Measures a link that takes `roundTrip` and then `secondsPerByte`; what was sent and found.
    private func measure(
        roundTrip: Double, bytesPerSecond: Double
    ) -> (sizes: [Int], elapsed: Double, path: NetworkPath?) {
        var probe = LinkProbe()
        var sizes: [Int] = []
        var elapsed = 0.0
        while let size = probe.nextByteCount(elapsed: elapsed) {
            let seconds = roundTrip + Double(size) / bytesPerSecond
            sizes.append(size)
            elapsed += seconds
            probe.answered(seconds: seconds)
        }
        return (sizes, elapsed, probe.path)
    }

    @Test(arguments: [(0.0002, 117e6), (0.00005, 2e9), (0.002, 12.5e6), (0.02, 125e6)])
    func findsWhatTheLinkIs(_ roundTrip: Double, _ bytesPerSecond: Double) throws {
        let (sizes, elapsed, path) = measure(
            roundTrip: roundTrip, bytesPerSecond: bytesPerSecond)
        let found = try #require(path)
        #expect(abs(found.roundTripSeconds / roundTrip - 1) < 1e-6)
        #expect(abs(found.bytesPerSecond / bytesPerSecond - 1) < 0.01)
        #expect(elapsed <= LinkProbe.timeMax * 1.5)
        #expect(sizes.allSatisfy { $0 <= Limits.probeBytesMax })
        #expect(sizes.count <= Limits.probesMax)
        #expect(sizes.reduce(0, +) <= Limits.probedBytesMax)
    }

    @Test func slowLinkIsNotKeptBusy() throws {
        // A megabit a second: the first bytes take 0.13 s, and more would take longer than allowed.
        let (sizes, _, path) = measure(roundTrip: 0.001, bytesPerSecond: 125_000)
        #expect(sizes == [0, 0, 16 << 10])
        #expect(abs(try #require(path).bytesPerSecond - 125_000) < 1)
    }

    @Test func farLinkHasNoRate() {
        let (sizes, elapsed, path) = measure(roundTrip: 0.15, bytesPerSecond: 1e9)
        #expect(sizes == [0])
        #expect(elapsed < LinkProbe.timeMax)
        #expect(path == nil)
    }

    @Test func bytesThatTakeNoTimeGiveNoEndlessRate() throws {
        var probe = LinkProbe()
        var answers = [0.001, 0.001, 0.0009, 0.0008, 0.0005, 0.0005][...]
        while probe.nextByteCount(elapsed: 0) != nil, let answer = answers.popFirst() {
            probe.answered(seconds: answer)
        }
        #expect(answers.isEmpty)
        let path = try #require(probe.path)
        #expect(path.bytesPerSecond.isFinite && path.bytesPerSecond > 0)
    }
}
