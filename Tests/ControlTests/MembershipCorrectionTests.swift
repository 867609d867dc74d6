// SPDX-License-Identifier: Apache-2.0

import Control
import Testing
import Wire

/// What steps have shown of workers, when these go and come back.
struct MembershipCorrectionTests {
    private static let speed = WorkerSpeed(readBytesPerSecond: 1_000_000_000)
    private var membership: Membership
    private var now = Duration.zero

    /// Three equal workers with a stage each; reading weights is all that steps cost.
    init() {
        let layers = [UInt64](repeating: 1_000_000_000, count: 6)
        let parts = layers.map { ModelWork.Part(byteCount: $0, int8Count: 0) }
        let work = ModelWork(
            layers: parts, head: .init(byteCount: 0, int8Count: 0), kvBytesPerPosition: 0,
            attentionOperations: 0, rowBytes: 0, contextLength: 1)
        membership = Membership(
            model: PlannerModel(
                layerBytes: layers, embeddingBytes: 0, outputBytes: 0, tiedHead: false,
                kvBytesPerLayer: 0, scratchBytes: 0, work: work),
            expectedWorkers: 3, settle: .zero)
        for name in ["a", "b", "c"] { join(name) }
        becomeReady()
    }

    private func node(_ name: String) -> NodeID {
        NodeID(high: 1, low: UInt64(name.utf8.first ?? 0))
    }

    private mutating func join(_ name: String, speed: WorkerSpeed = Self.speed) {
        _ = membership.joined(
            worker: MemberInfo(
                node: node(name), name: name, dataAddress: "\(name):1",
                memoryBudgetBytes: 2_500_000_000, speed: speed), now: now)
    }

    private mutating func becomeReady() {
        for stage in membership.plan?.stages ?? [] {
            _ = membership.ready(node: stage.node, epoch: membership.epoch, now: now)
        }
    }

    /// A hundred steps that take each worker so many times what is predicted.
    private mutating func run(_ ratio: Double) {
        let stages = membership.plan?.stages ?? []
        let trail = stages.enumerated().map { index, stage in
            StageTiming(
                stage: UInt16(index), waitMicroseconds: 0,
                computeMicroseconds: UInt32(Double(stage.layers.count) * 1e6 * ratio),
                sendMicroseconds: 0)
        }
        for _ in 0..<100 { membership.measured(.decode(streams: 1, depth: 0), trail: trail) }
    }

    private func corrections(_ names: String...) -> [Double] {
        names.map { (membership.correction(of: node($0)) * 100).rounded() / 100 }
    }

    @Test mutating func whoComesBackIsKnown() {
        #expect(membership.plan?.stages.map(\.layers.count) == [2, 2, 2])
        #expect(corrections("a", "b", "c") == [1, 1, 1])
        run(1.5)
        #expect(corrections("a", "b", "c") == [1.5, 1.5, 1.5])
        now = .seconds(60)
        _ = membership.lost(node: node("c"), now: now)
        join("c")
        #expect(corrections("a", "b", "c") == [1.5, 1.5, 1.5])
        #expect(membership.plan?.stages.map(\.layers.count) == [2, 2, 2])
    }

    /// It measured itself anew, or it is another one: it is taken to be as the others are.
    @Test(arguments: ["c", "d"]) mutating func whoIsNotKnownIsLikeTheOthers(name: String) {
        run(1.5)
        _ = membership.lost(node: node("c"), now: now)
        join(name, speed: WorkerSpeed(readBytesPerSecond: 1_100_000_000))
        #expect(corrections("a", "b", name) == [1.5, 1.5, 1.5])
        becomeReady()
        run(3)
        #expect(corrections("a", "b", name) == [2.99, 2.99, 3.29])
    }

    @Test mutating func whatIsLongAgoIsForgotten() {
        run(0.5)
        for name in ["a", "b", "c"] { _ = membership.lost(node: node(name), now: now) }
        now = .seconds(7 * 24 * 3600)
        for name in ["a", "b", "c"] { join(name) }
        #expect(corrections("a", "b", "c") == [1, 1, 1])
    }
}
