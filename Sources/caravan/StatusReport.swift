// SPDX-License-Identifier: Apache-2.0

package import Cluster
import Control

/// A cluster's status as tables for people, in which no name or text steers the terminal.
package struct StatusReport {
    /// The latest events that are shown.
    private static let eventsMax = 8

    private let status: ClusterStatus

    package init(_ status: ClusterStatus) { self.status = status }

    package var text: String {
        var lines = ["\(status.model)  \(status.state)".escapingControls]
        if !status.detail.isEmpty { lines[0] += " (\(status.detail.escapingControls))" }
        lines.append(
            "plan \(status.epoch)  \(status.layerCount) layers  context \(status.contextLength)  "
                + "slots \(status.slotsInUse)/\(status.slotCount)  waiting \(status.waiting)  "
                + "served \(status.requestsServed)  tokens \(status.tokensGenerated)  "
                + "up \(TopView.age(status.uptimeSeconds))")
        if status.pageCount > 0 {
            lines.append(
                "KV pages \(status.pagesInUse)/\(status.pageCount) of \(status.pageTokens) tokens, "
                    + "\(status.pagesKept) kept for prompts that begin alike; "
                    + "\(status.preemptions) sequences preempted")
        }
        if status.guesses > 0 {
            lines.append("tokens guessed \(status.guesses), right \(status.rightGuesses)")
        }
        lines.append(
            "coordinator \(ByteSize.text(status.coordinatorPrivateBytes)) private memory, "
                + "of which vocabulary tables \(ByteSize.text(status.vocabularyTableBytes)); "
                + "\(ByteSize.text(status.shippedBytes)) shipped")
        lines += speeds
        let parts = [lines, flow, stages, others, streams, events].filter { !$0.isEmpty }
        return parts.map { $0.joined(separator: "\n") + "\n" }.joined(separator: "\n")
    }

    /// What the plan was expected to give, and what it gives.
    private var speeds: [String] {
        var parts: [String] = []
        if status.predictedTokensPerSecond > 0 {
            parts.append(
                "predicted \(status.predictedTokensPerSecond.rounded(toPlaces: 1)) tokens/s for "
                    + "one stream, "
                    + "\(status.predictedTokensPerSecondOfAllSlots.rounded(toPlaces: 1)) for "
                    + "\(status.slotCount), at depth \(status.predictedDepth)")
        }
        if status.measuredTokensPerSecond > 0 {
            parts.append(
                "measured lately \(status.measuredTokensPerSecond.rounded(toPlaces: 1)) with "
                    + "\(status.measuredRowsPerStep.rounded(toPlaces: 1)) rows "
                    + tokensPerStep + "a step")
        }
        return parts.isEmpty ? [] : [parts.joined(separator: "; ")]
    }

    /// Where guesses make them differ from sequences, and wrong ones from rows.
    private var tokensPerStep: String {
        let tokens = status.measuredTokensPerStep.rounded(toPlaces: 1)
        return status.guesses > 0 ? "and \(tokens) tokens " : ""
    }

    /// Empty before the first step.
    private var flow: [String] {
        let flow = status.flow
        guard flow.stepTime.count > 0 else { return [] }
        let rates =
            "in the last \(flow.windowSeconds) s: "
            + "\(TopView.rate(flow.generatedTokensPerSecond)) tokens/s generated, "
            + "\(TopView.rate(flow.promptTokensPerSecond)) prompt tokens/s, "
            + "\(TopView.rate(flow.stepsPerSecond)) steps/s of "
            + "\(TopView.rate(flow.rowsPerSecond)) rows/s; busy \(TopView.share(flow.busyShare))"
            + (flow.bubbleShare.map { ", of which bubbles \(TopView.share($0))" } ?? "")
        let latencies = [
            ("first token", flow.timeToFirstToken), ("next token", flow.interTokenTime),
            ("step", flow.stepTime),
        ]
        let rows = latencies.filter { $0.1.count > 0 }.map { name, latency in
            [
                name, time(latency.p50Microseconds), time(latency.p90Microseconds),
                time(latency.p99Microseconds),
            ]
        }
        return [rates] + aligned([["", "p50", "p90", "p99"]] + rows)
    }

    private var stages: [String] {
        guard !status.stages.isEmpty else { return [] }
        let header = [
            "stage", "worker", "layers", "memory", "budget", "kernels", "threads", "steps",
            "compute/token", "predicted", "wait", "send", "computing", "in", "out", "round trip",
            "link", "next trip", "next link",
        ]
        let rows = status.stages.map { stage in
            [
                "\(stage.stage)", stage.worker + (isDraining(stage) ? " (draining)" : ""),
                "\(stage.layerStart)..<\(stage.layerEnd)",
                ByteSize.text(stage.residentBytes),
                stage.memoryBudgetBytes > 0 ? ByteSize.text(stage.memoryBudgetBytes) : "-",
                stage.isa, "\(stage.threads)", "\(stage.stepCount)",
                time(stage.computeMicrosecondsPerToken),
                time(stage.predictedMicrosecondsPerToken), time(stage.waitMicrosecondsPerToken),
                time(stage.sendMicrosecondsPerToken), computing(stage),
                ByteSize.text(stage.receivedBytesPerSecond) + "/s",
                ByteSize.text(stage.sentBytesPerSecond) + "/s", time(stage.roundTripMicroseconds),
                rate(stage.linkBytesPerSecond), time(stage.nextRoundTripMicroseconds),
                rate(stage.nextBytesPerSecond),
            ]
        }
        return aligned([header] + rows)
    }

    /// `-` as long as nothing is known of a step that is on its way.
    private func computing(_ stage: StageStatus) -> String {
        stage.utilisation.map(TopView.share) ?? "-"
    }

    private func isDraining(_ stage: StageStatus) -> Bool {
        status.members.contains { $0.address == stage.address && $0.role == "draining" }
    }

    /// Workers without a stage.
    private var others: [String] {
        let addresses = Set(status.stages.map(\.address))
        let rows = status.members.filter { !addresses.contains($0.address) }.map {
            ["", $0.name, $0.role, $0.address, $0.note]
        }
        return rows.isEmpty ? [] : aligned([["other", "worker", "role", "address", ""]] + rows)
    }

    private var streams: [String] {
        guard !status.streams.isEmpty else { return [] }
        let rows = status.streams.map { stream in
            [
                "\(stream.id)", stream.state.rawValue, "\(stream.promptTokens)",
                "\(stream.generatedTokens)",
                stream.tokensPerSecond > 0 ? TopView.rate(stream.tokensPerSecond) : "-",
                TopView.age(stream.ageSeconds),
            ]
        }
        let header = ["stream", "state", "prompt", "generated", "tokens/s", "age"]
        let missing = status.slotsInUse + status.waiting - status.streams.count
        return aligned([header] + rows) + (missing > 0 ? ["and \(missing) more"] : [])
    }

    private var events: [String] {
        status.events.prefix(Self.eventsMax).map { event in
            "\(TopView.age(event.secondsAgo)) ago".leftPadded(to: 12)
                + "  \(event.text.escapingControls)"
        }
    }

    /// `-` before the first measurement.
    private func time(_ microseconds: Int) -> String {
        switch microseconds {
        case 0: "-"
        case ..<1000: "\(microseconds) µs"
        default: "\((Double(microseconds) / 1000).rounded(toPlaces: 2)) ms"
        }
    }

    private func rate(_ bytesPerSecond: Int) -> String {
        bytesPerSecond == 0 ? "-" : ByteSize.text(bytesPerSecond) + "/s"
    }

    private func aligned(_ rows: [[String]]) -> [String] {
        TextTable.lines(rows.map { $0.map(\.escapingControls) })
    }
}
