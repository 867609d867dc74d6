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
    private mutating func run(_ ratios: [String: Double]) {
        let stages = membership.plan?.stages ?? []
        let trail = stages.enumerated().map { index, stage in
            let seconds = Double(stage.layers.count) * (ratios[stage.name] ?? 1)
            return StageTiming(
                stage: UInt16(index), waitMicroseconds: 0,
                computeMicroseconds: UInt32(seconds * 1e6), sendMicroseconds: 0)
        }
        for _ in 0..<100 { membership.measured(.decode(streams: 1, depth: 0), trail: trail) }
    }

    private func corrections(_ names: String...) -> [Double] {
        names.map { (membership.correction(of: node($0)) * 100).rounded() / 100 }
    }

    /// `c` is lost a minute later, and something joins after as long again.
    private mutating func exchange(
        _ name: String, speed: WorkerSpeed = Self.speed, after time: Duration = .seconds(60)
    ) {
        now += .seconds(60)
        _ = membership.lost(node: node("c"), now: now)
        now += time
        for other in ["a", "b"] { membership.heard(node: node(other), at: now) }
        join(name, speed: speed)
    }

    @Test mutating func whoComesBackIsKnown() {
        #expect(membership.plan?.stages.map(\.layers.count) == [2, 2, 2])
        #expect(corrections("a", "b", "c") == [1, 1, 1])
        run(["a": 1.5, "b": 1.5, "c": 2])
        #expect(corrections("a", "b", "c") == [1.5, 1.5, 1.99])
        exchange("c")
        #expect(corrections("a", "b", "c") == [1.5, 1.5, 1.99])
        #expect(membership.plan?.stages.map(\.layers.count) == [2, 2, 2])
    }

    /// It measured itself anew, or it is another one: it is taken to be as the others are.
    @Test(arguments: ["c", "d"]) mutating func whoIsNotKnownIsLikeTheOthers(name: String) {
        run(["a": 1.5, "b": 1.5, "c": 2])
        exchange(name, speed: WorkerSpeed(readBytesPerSecond: 1_100_000_000))
        #expect(corrections("a", "b", name) == [1.5, 1.5, 1.5])
        becomeReady()
        run(["a": 3, "b": 3, name: 2])
        #expect(corrections("a", "b", name) == [2.99, 2.99, 2.2])
    }

    /// Also where it comes and goes meanwhile, without having had a step.
    @Test mutating func whatIsLongAgoIsForgotten() {
        run(["a": 1.5, "b": 1.5, "c": 2])
        exchange("c", after: .seconds(1_200))
        #expect(corrections("c") == [1.99])
        exchange("c", after: .seconds(1_200))
        #expect(corrections("c") == [1.5])
    }
}
