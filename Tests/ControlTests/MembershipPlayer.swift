// SPDX-License-Identifier: Apache-2.0

import Control
import Wire

/// Events for a membership: `SECONDS EVENT NAME key=value`. A worker's node id is made of its name.
/// After each event the cluster's state is said.
struct MembershipPlayer: TranscriptPlayer {
    private var membership: Membership

    init(_ event: TranscriptEvent) {
        let layers = [UInt64](repeating: event.size("layer"), count: event.integer("layers") ?? 1)
        membership = Membership(
            model: PlannerModel(
                layerBytes: layers, embeddingBytes: event.size("embedding"),
                outputBytes: event.size("output"), tiedHead: event.has("tied"),
                kvBytesPerLayer: event.size("kv"), scratchBytes: event.size("scratch")),
            expectedWorkers: event.integer("expected"),
            settle: .seconds(event.integer("settle") ?? 0),
            usualWorkers: event.list("usual"),
            pathPatience: .milliseconds(event.integer("patience") ?? 0))
    }

    mutating func play(_ event: TranscriptEvent) -> [String] {
        let now = Duration.milliseconds(Int((Double(event.words[0]) ?? 0) * 1000))
        let name = event.words.count > 2 ? event.words[2] : ""
        let node = NodeID(high: 1, low: UInt64(name.utf8.first ?? 0))
        let directives: [MembershipDirective]? =
            switch event.words[1] {
            case "joined":
                membership.joined(
                    worker: MemberInfo(
                        node: node, name: name, dataAddress: "\(name):1",
                        memoryBudgetBytes: event.size("memory")), now: now)
            case "heard": membership.heard(node: node, now: now)
            case "lost": membership.lost(node: node, now: now)
            case "ready":
                membership.ready(node: node, epoch: UInt32(event.size("epoch")), now: now)
            case "path": noted(event, of: node)
            case "tick": membership.tick(now: now)
            case "idle": membership.idle(now: now)
            default: nil
            }
        let said = directives.map { $0.map(describe) } ?? ["unknown event"]
        let state = "\(membership.state)" + (membership.detail.isEmpty ? "" : ": ")
        return said + ["= " + state + membership.detail]
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
        case .assign(let epoch, let plan):
            let stages = plan.stages.map {
                "\($0.name) \($0.layers.lowerBound)..<\($0.layers.upperBound) (\($0.needBytes))"
            }
            return "assign \(epoch): " + stages.joined(separator: ", ")
        case .pipelineUp(let epoch): return "pipeline up \(epoch)"
        case .pipelineDown(let lost): return "pipeline down" + (lost.map { ", lost \($0)" } ?? "")
        case .refuse(let node, let reason): return "refuse \(name(node)): \(reason)"
        case .disconnect(let node, let reason): return "disconnect \(name(node)): \(reason)"
        }
    }

    private func name(_ node: NodeID) -> String {
        String(UnicodeScalar(UInt8(truncatingIfNeeded: node.low)))
    }
}
