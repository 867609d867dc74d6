// SPDX-License-Identifier: Apache-2.0

/// A worker as it measured itself, whether or not it has a stage; 0 where it did not.
package struct MemberStatus: Sendable, Codable {
    package var name: String
    /// For data links.
    package var address: String
    /// `serving`, `preparing`, `draining` or `spare`.
    package var role: String
    /// Why it has no stage or, when it drains, can't go; empty if nothing is in its way.
    package var note: String
    /// The same for workers of one machine; zeros where a worker does not know its machine.
    package var host: String
    package var threads: Int
    package var cores: Int
    package var memoryBudgetBytes: Int
    package var freeMemoryBytes: Int
    package var readBytesPerSecond: Int
    package var hostReadBytesPerSecond: Int
    package var int8OperationsPerSecond: Int
    package var f32OperationsPerSecond: Int
    package var loopNanoseconds: Int
    /// To the coordinator.
    package var roundTripMicroseconds: Int
    package var linkBytesPerSecond: Int
    /// Its stage times by those predicted, from the steps so far.
    package var measuredByPredicted: Double

    /// `host`, or nil where the machine is not known: workers have nothing in common then.
    package var knownHost: String? { host.allSatisfy { $0 == "0" } ? nil : host }
}
