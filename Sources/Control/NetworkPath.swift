// SPDX-License-Identifier: Apache-2.0

package import Wire

/// How fast a link is.
package struct NetworkPath: Sendable, Hashable {
    package var roundTripSeconds: Double
    package var bytesPerSecond: Double

    package init(roundTripSeconds: Double, bytesPerSecond: Double) {
        self.roundTripSeconds = roundTripSeconds
        self.bytesPerSecond = bytesPerSecond
    }

    /// As heartbeats and a status have it: 0 for what was not measured.
    package init?(microseconds: Int, bytesPerSecond: Int) {
        guard microseconds > 0 else { return nil }
        self.init(
            roundTripSeconds: Double(microseconds) / 1e6,
            bytesPerSecond: bytesPerSecond > 0
                ? Double(bytesPerSecond) : Self.unmeasured.bytesPerSecond)
    }

    /// Assumed of a link that nobody measured: 1 Gbit/s in one building.
    package static let unmeasured = NetworkPath(
        roundTripSeconds: 0.0005, bytesPerSecond: 117_500_000)
    /// Assumed between processes of one machine.
    package static let sameHost = NetworkPath(
        roundTripSeconds: 0.000_05, bytesPerSecond: 1_000_000_000)

    /// Cost of a hop: half a round trip, then the bytes.
    func seconds(_ byteCount: Double) -> Double {
        roundTripSeconds / 2 + byteCount / max(bytesPerSecond, 1)
    }

    /// From one worker to another by way of a switch: the mean round trip of the two to the
    /// coordinator, the throughput of the slower.
    static func between(_ a: NetworkPath, _ b: NetworkPath) -> NetworkPath {
        NetworkPath(
            roundTripSeconds: (a.roundTripSeconds + b.roundTripSeconds) / 2,
            bytesPerSecond: min(a.bytesPerSecond, b.bytesPerSecond))
    }
}

/// Two workers, in the direction in which activations go.
package struct WorkerPair: Sendable, Hashable {
    package var from: NodeID
    package var to: NodeID

    package init(from: NodeID, to: NodeID) {
        self.from = from
        self.to = to
    }
}
