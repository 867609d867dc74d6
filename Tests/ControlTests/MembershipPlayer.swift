// SPDX-License-Identifier: Apache-2.0

import Control
import Wire

/// Events for a membership: `SECONDS EVENT NAME key=value`, `bandwidth` in GB/s, `int8` in GOP/s. A
/// worker's node id is made of its name. After each event the cluster's state is said.
struct MembershipPlayer: TranscriptPlayer {
    private var membership: Membership
    private let layerBytes: Double
    private var int8Rates: [NodeID: Double] = [:]

    init(_ event: TranscriptEvent) {
        layerBytes = Double(event.size("layer"))
        membership = Membership(
            model: Self.model(event),
            goal: PlannerGoal(streams: event.integer("streams") ?? 1),
            expectedWorkers: event.integer("expected"),
            settle: .seconds(event.integer("settle") ?? 0),
            usualWorkers: event.list("usual"),
            pathPatience: .milliseconds(event.integer("patience") ?? 0),
            tickGapMax: event.integer("gap").map { .milliseconds($0) })
    }

    private static func model(_ event: TranscriptEvent) -> PlannerModel {
        let layers = [UInt64](repeating: event.size("layer"), count: event.integer("layers") ?? 1)
        let work = event.has("measured") ? work(layers) : nil
        guard let pages = event.integer("pages") else {
            return PlannerModel(
                layerBytes: layers, embeddingBytes: event.size("embedding"),
                outputBytes: event.size("output"), tiedHead: event.has("tied"),
                kvBytesPerLayer: event.size("kv"), scratchBytes: event.size("scratch"), work: work)
        }
        return PlannerModel(
            layerBytes: layers, embeddingBytes: event.size("embedding"),
            outputBytes: event.size("output"), tiedHead: event.has("tied"),
            pages: PageDemand(
                least: 1, wanted: pages, slotCount: 1, pagePositionCount: 64,
                pageBytes: event.size("page")),
            scratchBytes: event.size("scratch"), work: work)
    }

    /// Reading weights is all that steps cost.
    private static func work(_ layers: [UInt64]) -> ModelWork {
        ModelWork(
            // As in Q4_0: 18 bytes hold 32 weights.
            layers: layers.map { ModelWork.Part(byteCount: $0, int8Count: $0 / 18 * 32) },
            head: ModelWork.Part(byteCount: 0, int8Count: 0), kvBytesPerPosition: 0,
            attentionOperations: 0,
            rowBytes: 0, contextLength: 4096)
    }

    mutating func play(_ event: TranscriptEvent) -> [String] {
        let now = Duration.milliseconds(Int((Double(event.words[0]) ?? 0) * 1000))
        let name = event.words.count > 2 ? event.words[2] : ""
        let node = Self.node(name)
        if event.words[1] == "drain" { return drain(name, now) }
        if event.words[1] == "alive" { return alive(event.words.dropFirst(2), now) }
        if event.words[1] == "steps" { return steps(event, from: now) }
        if let rate = event.number("int8") { int8Rates[node] = rate * 1e9 }
        let directives: [MembershipDirective]? =
            switch event.words[1] {
            case "joined":
                membership.joined(
                    worker: MemberInfo(
                        node: node, name: event.text("name") ?? name, dataAddress: "\(name):1",
                        memoryBudgetBytes: event.size("memory"),
                        speed: WorkerSpeed(
                            readBytesPerSecond: UInt64((event.number("bandwidth") ?? 0) * 1e9),
                            int8OperationsPerSecond: UInt64((event.number("int8") ?? 0) * 1e9)),
                        host: event.text("host").map(Self.node)),
                    now: now)
            case "heard": heard(node, now)
            case "lost": membership.lost(node: node, now: now)
            case "ready":
                membership.ready(node: node, epoch: UInt32(event.size("epoch")), now: now)
            case "stranded":
                membership.stranded(node: node, epoch: UInt32(event.size("epoch")), now: now)
            case "unreached":
                membership.firstStageOutOfReach(epoch: UInt32(event.size("epoch")), now: now)
            case "leaving": membership.leaving(node: node, now: now)
            case "prepared":
                membership.prepared(
                    node: node, epoch: UInt32(event.size("epoch")),
                    failure: event.has("failed") ? "the disk is full" : nil, now: now)
            case "left": membership.lost(node: node, hasLeft: true, now: now)
            case "path": noted(event, of: node)
            case "tick":
                membership.tick(
                    movedBytes: event.number("shipped").map { Int($0) }, now: now)
            case "idle": membership.tick(isIdle: true, now: now)
            default: nil
            }
        return directives.map { $0.map(describe) + [standing] } ?? ["unknown event"]
    }

    private var standing: String {
        let state = "\(membership.state)" + (membership.detail.isEmpty ? "" : ": ")
        return "= " + state + membership.detail
    }

    /// By name or address.
    private mutating func drain(_ worker: String, _ now: Duration) -> [String] {
        do throws(DrainRefusal) {
            return try membership.drain(worker: worker, now: now).map(describe) + [standing]
        } catch {
            return ["refused: \(error)", standing]
        }
    }

    /// Several have been heard at the same time, which changes nothing.
    private mutating func alive(_ names: ArraySlice<String>, _ now: Duration) -> [String] {
        for name in names { membership.heard(node: Self.node(name), at: now) }
        return []
    }

    /// Ten steps of a row and a tick in each of `seconds`, while all live; `a=1.5` if worker a
    /// takes half as long again as multiplying should. Reading takes nothing to speak of.
    private mutating func steps(_ event: TranscriptEvent, from start: Duration) -> [String] {
        var lines: [String] = []
        for second in 1...(event.integer("seconds") ?? 1) {
            let now = start + .seconds(second)
            for member in membership.members { membership.heard(node: member.node, at: now) }
            let stages = membership.plan?.stages ?? []
            let trail = stages.enumerated().map { index, stage in
                let operations = 2 * Double(stage.layers.count) * layerBytes / 18 * 32
                let seconds = operations / (int8Rates[stage.node] ?? 1)
                return StageTiming(
                    stage: UInt16(index), waitMicroseconds: 0,
                    computeMicroseconds: UInt32(seconds * (event.number(stage.name) ?? 1) * 1e6),
                    sendMicroseconds: 0)
            }
            for _ in 0..<10 {
                membership.measured(
                    .decode(streams: 1, depth: 0), isAlone: event.has("alone"), trail: trail)
            }
            let directives = membership.tick(now: now)
            lines += directives.map { "after \(second) s: \(describe($0))" }
        }
        return lines + [standing]
    }

    private mutating func heard(_ node: NodeID, _ time: Duration) -> [MembershipDirective] {
        membership.heard(node: node, at: time)
        return []
    }

    private mutating func noted(
        _ event: TranscriptEvent, of node: NodeID
    ) -> [MembershipDirective] {
        let path = NetworkPath(
            roundTripSeconds: (event.number("rtt") ?? 0) / 1e6,
            bytesPerSecond: event.number("rate") ?? 0)
        membership.measured(path: path, of: node)
        return []
    }

    private func describe(_ directive: MembershipDirective) -> String {
        switch directive {
        case .prepare(let epoch, let plan, let reason):
            return "prepare \(epoch)\(reason.map { ", as \($0)" } ?? ""): \(stages(plan))"
        case .abandon(let epoch, let reason): return "abandon \(epoch): \(reason)"
        case .assign(let epoch, let plan): return "assign \(epoch): \(stages(plan))"
        case .rest(let epoch): return "rest \(epoch)"
        case .pipelineUp(let epoch): return "pipeline up \(epoch)"
        case .pipelineDown(let reason, let isLoss):
            return "pipeline down: \(reason)\(isLoss ? "" : ", no loss")"
        case .refuse(let node, let reason): return "refuse \(name(node)): \(reason)"
        case .disconnect(let node, let reason): return "disconnect \(name(node)): \(reason)"
        case .release(let node): return "release \(name(node))"
        }
    }

    private func stages(_ plan: Plan) -> String {
        plan.stages.map {
            "\($0.name) \($0.layers.lowerBound)..<\($0.layers.upperBound) (\($0.needBytes))"
        }.joined(separator: ", ") + (plan.pageCount.map { ", \($0) pages" } ?? "")
    }

    private static func node(_ name: String) -> NodeID {
        NodeID(high: 1, low: UInt64(name.utf8.first ?? 0))
    }

    private func name(_ node: NodeID) -> String {
        String(UnicodeScalar(UInt8(truncatingIfNeeded: node.low)))
    }
}
